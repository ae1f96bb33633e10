#![no_main]
//! See `checks/log.rs`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| amana_fuzz::log::check(input));
