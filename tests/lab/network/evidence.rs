//! What the machines looked like when a test failed.

use std::{fs, process::Command};

use super::Node;

const SYSCTLS: [&str; 8] = [
    "ipv4/ip_forward",
    "ipv4/conf/all/rp_filter",
    "ipv4/conf/all/arp_ignore",
    "ipv4/conf/all/arp_announce",
    "ipv4/conf/all/send_redirects",
    "ipv6/conf/all/forwarding",
    "ipv4/vs/expire_nodest_conn",
    "ipv4/vs/backup_only",
];

/// One line per fact, to standard error, which the test harness shows for a failed test.
pub(super) fn print(node: &Node) {
    eprintln!("======== {}", node.name());
    for sysctl in SYSCTLS {
        if let Some(value) = node.namespace().sysctl(sysctl) {
            eprint!("{sysctl}={value} ");
        }
    }
    eprintln!();
    show(node, "ip", &["-brief", "address"]);
    show(node, "ip", &["route"]);
    show(node, "ip", &["-6", "route"]);
    show(node, "ip", &["neighbour"]);
    // Only a director is captured, and only a director has a table.
    if let Some(pcap) = node.captured() {
        show(node, "ipvsadm", &["-L", "-n"]);
        show(node, "ipvsadm", &["-L", "-n", "--stats"]);
        show(node, "ipvsadm", &["-L", "-n", "-c"]);
        let file = node.directory().join("packets.pcap");
        if fs::write(&file, pcap).is_ok() {
            show(node, "tcpdump", &["-n", "-t", "-r", &file.to_string_lossy()]);
        }
    }
    show_logs(node);
}

fn show(node: &Node, program: &str, arguments: &[&str]) {
    let output = node.enter(|| Command::new(program).args(arguments).output());
    match output {
        Ok(output) if output.stdout.is_empty() && output.status.success() => {}
        Ok(output) => {
            let said = if output.status.success() { output.stdout } else { output.stderr };
            eprintln!("-- {program} {}\n{}", arguments.join(" "), String::from_utf8_lossy(&said).trim_end());
        }
        Err(error) => eprintln!("-- {program}: {error}"),
    }
}

fn show_logs(node: &Node) {
    let files = fs::read_dir(node.directory()).into_iter().flatten().flatten();
    for path in files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|it| it == "log")) {
        let log = fs::read_to_string(&path).unwrap_or_default();
        eprintln!("-- {}\n{}", path.display(), log.trim_end());
    }
}
