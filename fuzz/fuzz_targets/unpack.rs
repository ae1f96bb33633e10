#![no_main]
//! See `checks/unpack.rs`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| amana_fuzz::unpack::check(input));
