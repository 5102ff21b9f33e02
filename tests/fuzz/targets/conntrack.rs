#![no_main]

libfuzzer_sys::fuzz_target!(|entry: &[u8]| {
    lvsd_fuzz::conntrack::check(entry);
});
