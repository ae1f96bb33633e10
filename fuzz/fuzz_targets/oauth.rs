#![no_main]
//! See `checks/oauth.rs`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| amana_fuzz::oauth::check(input));
