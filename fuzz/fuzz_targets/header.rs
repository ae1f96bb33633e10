#![no_main]
//! See `checks/header.rs`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| amana_fuzz::header::check(input));
