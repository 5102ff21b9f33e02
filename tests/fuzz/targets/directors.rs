#![no_main]

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    lvsd_fuzz::directors::check(datagram);
});
