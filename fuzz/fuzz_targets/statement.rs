#![no_main]
//! See `checks/statement.rs`.

libfuzzer_sys::fuzz_target!(|input: &[u8]| amana_fuzz::statement::check(input));
