#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| archive::fuzz_coding(bytes));
