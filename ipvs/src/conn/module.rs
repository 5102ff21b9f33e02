//! Kernel modules.

use std::path::Path;
use std::process::{Command, Stdio};

/// The program that the kernel itself would start, or nothing.
const LOADER_SETTING: &str = "/proc/sys/kernel/modprobe";
const LOADER: &str = "/sbin/modprobe";

/// Tries to load a module that is not there yet. Whether that helped, the request that needs it tells.
pub(super) fn load(name: &str) {
    if Path::new("/sys/module").join(name).exists() {
        return;
    }
    let setting = std::fs::read_to_string(LOADER_SETTING).unwrap_or_default();
    let loader = match setting.trim() {
        "" => LOADER,
        loader => loader,
    };
    let _ = Command::new(loader)
        .args(["--quiet", "--", name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
