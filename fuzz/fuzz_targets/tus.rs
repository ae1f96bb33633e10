#![no_main]
//! See `checks/tus.rs`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| amana_fuzz::tus::check(input));
