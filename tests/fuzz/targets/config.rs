#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    lvsd_fuzz::config::check(file);
});
