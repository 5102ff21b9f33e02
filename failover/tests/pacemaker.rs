//! Pacemaker's own check of what is exported for it. Needs Debian's pacemaker-cli-utils.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write;
use std::process::{Command, Output};

use failover::cib::Cib;
use failover::cib::xml::{Dialect, NodeStatus, Reading, Status};

fn document() -> Cib {
    Cib::read(include_bytes!("../../tests/fuzz/seeds/cib/document.toml")).unwrap()
}

fn status() -> Status {
    let node = |name: &str, vips: &[&str]| {
        let attributes = [("pingd".to_owned(), "100".to_owned())].into();
        let vips = vips.iter().map(|vip| (*vip).to_owned()).collect();
        (name.to_owned(), NodeStatus { online: true, attributes, vips })
    };
    Status {
        dc: Some("litsha21".to_owned()),
        quorate: true,
        nodes: [node("litsha21", &["web"]), node("litsha22", &[])].into(),
    }
}

/// What `crm_verify` says of a document.
fn verified(xml: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cib.xml");
    std::fs::write(&path, xml).unwrap();
    Command::new("crm_verify").args(["-V", "-x"]).arg(path).output().unwrap()
}

fn told(output: &Output) -> String {
    let mut told = String::from_utf8_lossy(&output.stderr).into_owned();
    write!(told, "{}", output.status).unwrap();
    told
}

#[test]
#[ignore = "needs crm_verify"]
fn pacemaker_finds_nothing_wrong_with_what_is_exported_for_it() {
    let listing = include_bytes!("../../tests/fuzz/seeds/cib/listing.xml");
    let listing = Cib::from_xml(listing, Reading::Tolerant).unwrap();
    let documents = [(document(), status()), (document(), Status::default()), (listing.cib, listing.status)];
    for (cib, status) in documents {
        let xml = cib.to_xml(&status, Dialect::Pacemaker);
        let output = verified(&xml);
        assert!(output.status.success(), "{}\n{xml}", told(&output));
        assert!(!told(&output).contains("error"), "{}", told(&output));
    }
}

#[test]
#[ignore = "needs crm_verify"]
fn pacemaker_does_not_know_the_form_of_heartbeat_any_more() {
    let output = verified(&document().to_xml(&status(), Dialect::Heartbeat));
    assert!(!output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("Relax-NG validity error : Element crm_config"), "{}", told(&output));
}
