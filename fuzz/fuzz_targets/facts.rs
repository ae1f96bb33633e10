#![no_main]
//! See `checks/facts.rs`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| amana_fuzz::facts::check(input));
