//! What a director says and hears, as packet filters see it: heartbeats counted or lost, or all of it lost.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::lab::network::Node;

/// Lvsd's heartbeats, and VRRP's.
const KINDS: [&str; 2] = ["udp dport 694", "meta l4proto 112"];

/// Counts what a director sends.
pub(crate) fn count(node: &Node) {
    let rules = KINDS.map(|kind| format!("{kind} counter name sent\n")).concat();
    load(
        node,
        &format!(
            "table inet beats {{\n counter sent {{}}\n \
             chain out {{\n type filter hook output priority 0\n {rules} }}\n}}\n"
        ),
    );
}

/// How many bytes of IP that has been.
pub(crate) fn bytes(node: &Node) -> u64 {
    let text = node.run(["nft", "list", "counter", "inet", "beats", "sent"]);
    let mut words = text.split_whitespace().skip_while(|word| *word != "bytes").skip(1);
    words.next().and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count of bytes: {text}"))
}

/// Loses them on their way in and out.
pub(crate) fn lose(node: &Node) {
    let rules = KINDS.map(|kind| format!("{kind} drop\n")).concat();
    let chain = |hook: &str| format!(" chain {hook} {{\n type filter hook {hook} priority 0\n {rules} }}\n");
    load(node, &format!("table inet lossy {{\n{}{}}}\n", chain("input"), chain("output")));
}

/// Loses them no more.
pub(crate) fn restore(node: &Node) {
    load(node, "delete table inet lossy\n");
}

/// Loses all that a director says and hears on all networks, from one moment on. Plugs that are pulled one after the other
/// would cut it off from heartbeats and from clients at different times.
pub(crate) fn lose_all(node: &Node) {
    let chain =
        |hook: &str| format!(" chain {hook} {{\n type filter hook {hook} priority 0; policy drop;\n }}\n");
    let chains = [chain("input"), chain("output")].concat();
    load(node, &format!("table inet plugs {{\n{chains}}}\ntable arp plugs {{\n{chains}}}\n"));
}

/// Loses it no more.
pub(crate) fn restore_all(node: &Node) {
    load(node, "delete table inet plugs\ndelete table arp plugs\n");
}

fn load(node: &Node, rules: &str) {
    let status = node.enter(|| {
        let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn()?;
        nft.stdin.take().expect("it is piped").write_all(rules.as_bytes())?;
        nft.wait()
    });
    assert!(status.is_ok_and(|status| status.success()), "nft refuses:\n{rules}");
}
