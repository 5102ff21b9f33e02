#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lvsd_fuzz::cib::check(bytes);
});
