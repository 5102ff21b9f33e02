//! What of a file reaches the core.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Plan;
use crate::config::Config;

const FILE: &str = r#"
[cluster]
name = "web"
nodes = [
  { name = "a", links = ["192.0.2.21"] },
  { name = "b", links = ["192.0.2.22"] },
]
[[vip]]
name = "web"
addresses = ["203.0.113.5/24"]
interface = "eth0"
"#;

/// The plan of `a`, with more keys of `[cluster]`.
fn plan(keys: &str) -> Plan {
    let directory = tempfile::tempdir().unwrap();
    let authkeys = directory.path().join("authkeys");
    fs::write(&authkeys, "auth 1\n1 sha256 a secret of tests\n").unwrap();
    fs::set_permissions(&authkeys, fs::Permissions::from_mode(0o600)).unwrap();
    let text = FILE.replacen("name", &format!("{keys}\nname"), 1);
    let config = Config::parse(&directory.path().join("lvsd.toml"), text.as_bytes()).unwrap();
    Plan::new(&config, "a").unwrap().unwrap()
}

#[test]
fn what_a_ping_host_counts_is_declared() {
    // (keys, the multiplier that the document declares)
    let table = [
        ("", 1),
        ("ping = { hosts = [\"192.0.2.1\"] }", 1),
        ("ping = { hosts = [\"192.0.2.1\"], multiplier = 300 }", 300),
    ];
    for (keys, multiplier) in table {
        assert_eq!(plan(keys).settings.declared.multiplier, multiplier, "{keys}");
    }
}
