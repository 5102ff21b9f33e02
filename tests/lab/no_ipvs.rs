//! A kernel without IPVS: in a guest of its own, `cargo test --test lab -- --ignored no_ipvs`, since it hides the
//! kernel's modules from everybody.

use std::{fs, path::Path, process::Command};

use crate::director::{LVSD, complaint};

const FILE: &str = r#"
    [[vip]]
    name = "web"
    addresses = ["192.0.2.205/24"]
    interface = "lo"

    [[service]]
    name = "web"
    vip = "web"
    port = 80
    forward = "nat"
    monitor = "none"
    realservers = ["192.0.2.101"]
"#;

#[test]
#[ignore = "it needs a guest of its own"]
fn is_refused_with_the_remedy_and_nothing_is_touched() {
    assert!(std::env::var_os("LVSD_LAB").is_some(), "this needs the guest");
    assert!(!Path::new("/sys/module/ip_vs").exists(), "this needs a guest in which nothing ran before");
    let hidden = Command::new("mount").args(["-t", "tmpfs", "none", "/lib/modules"]).status();
    assert!(hidden.unwrap().success());

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lvsd.toml");
    fs::write(&file, FILE).unwrap();
    let lvsd = |arguments: &[&str]| {
        let mut command = Command::new("timeout");
        command.args(["60", LVSD]).args(arguments).arg(&file);
        command.arg("--socket").arg(directory.path().join("lvsd.sock"));
        command.env("STATE_DIRECTORY", directory.path()).output().unwrap()
    };
    for arguments in [&["run", "-c"][..], &["plan"]] {
        let said = complaint(&lvsd(arguments));
        assert_eq!(
            said,
            "lvsd: the kernel has no IPVS; load it with `modprobe ip_vs` (in a container: on the host)\n"
        );
    }
    assert!(!fs::read_to_string("/proc/net/fib_trie").unwrap().contains("192.0.2.205"));
    assert_eq!(fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(), "0\n");
    assert!(lvsd(&["check"]).status.success(), "a file can be checked anywhere");
}
