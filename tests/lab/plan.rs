//! `lvsd plan`: what would be done, without doing it.

use std::process::Output;

use crate::{lone::Lone, stage::service};

const WEB: &str = "vip = 'web'\nport = 80\nscheduler = 'rr'\nforward = 'nat'";
const RS1: &str = "{ name = 'rs1', address = '192.168.71.101' }";

fn said(output: &Output) -> (Option<i32>, Vec<String>) {
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    (output.status.code(), lines.lines().map(str::to_owned).collect())
}

#[test]
fn it_says_what_is_to_be_done_and_does_nothing() {
    let lone = Lone::new();
    let mut director = lone.director(&service(WEB, [RS1.to_owned()]));
    let before = lone.snapshot();

    let plan = said(&director.plan());
    let expected = [
        "set net.ipv4.ip_forward = 1",
        "set net.ipv4.conf.eth0.send_redirects = 0",
        "add service tcp 192.168.71.205:80 (rr)",
        "add destination 192.168.71.101:80 to tcp 192.168.71.205:80 (masquerade, weight 1)",
        "add address 192.168.71.205/24 on eth0",
        "add address fd00:71::205/64 on eth0",
        "2 addresses added, 1 realserver added, 1 service added, 2 sysctls changed",
    ];
    assert_eq!((plan.0, sorted(plan.1)), (Some(2), sorted(expected.map(str::to_owned).to_vec())));
    assert_eq!(lone.snapshot(), before);

    director.start_again();
    assert_eq!(said(&director.plan()), (Some(0), vec!["nothing to change".to_owned()]));

    director.write(&crate::stage::config(&service(
        "vip = 'web'\nport = 80\nscheduler = 'lc'\nforward = 'nat'",
        [RS1.to_owned()],
    )));
    let plan = said(&director.plan());
    assert_eq!(
        plan,
        (Some(2), vec!["edit service tcp 192.168.71.205:80 (lc)".into(), "1 service changed".into()])
    );

    director.write("nonsense");
    let output = director.plan();
    let complaint = crate::director::complaint(&output);
    assert!(complaint.contains("lvsd.toml:1:"), "{complaint}");
}

/// The last line is the sum, and stays last.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    if let Some((_, steps)) = lines.split_last_mut() {
        steps.sort();
    }
    lines
}
