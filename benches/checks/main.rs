//! What checks cost and how fast their findings reach the kernel, beside keepalived: `./scripts/bench checks`.
//!
//! On this machine itself: ten thousand realservers on loopback. In the lab's guest, which has IPVS: lvsd and
//! keepalived before the same nginx, and the way from a failed check into the kernel's table.

mod guest;
mod loopback;
mod process;
mod server;

use std::error::Error;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    if std::env::args().any(|argument| argument == server::SERVE) {
        server::serve()
    } else if std::env::var_os("LVSD_LAB").is_some() {
        guest::run()
    } else {
        loopback::run()
    }
}
