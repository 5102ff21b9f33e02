//! What of a cluster needs an operator, and what does not.

use super::*;
use crate::snapshot::sample::{before, now, rich};

/// A cluster in which all is well, seen from `litsha22`, which is in standby and has nothing.
fn calm() -> (Cluster, Vec<Vip>) {
    let snapshot = rich();
    let (mut cluster, mut vips) = (snapshot.cluster.unwrap(), snapshot.vips);
    for node in &mut cluster.nodes {
        node.state = NodeState::Online;
        node.unfit = None;
        node.barred.clear();
        node.config_match = Some(true);
        node.cib_match = Some(true);
        for link in &mut node.links {
            link.state = LinkState::Up;
        }
    }
    cluster.nodes[1].state = NodeState::Standby;
    for vip in &mut vips {
        (vip.owner, vip.mine) = (Some("litsha21".into()), false);
        vip.conflicts.clear();
    }
    (cluster, vips)
}

fn told(cluster: &Cluster, vips: &[Vip]) -> Vec<String> {
    let problems = troubles(cluster, vips, &[], now());
    let line = |it: &Problem| format!("{} {}: {}", it.severity.name(), it.object, it.what);
    problems.iter().map(line).collect()
}

#[test]
fn every_trouble_is_told_once_and_nothing_else() {
    type Change = fn(&mut Cluster, &mut Vec<Vip>);
    let table: [(&str, Change, &[&str]); 15] = [
        ("standby, and vips elsewhere", |_, _| {}, &[]),
        (
            "another document",
            |cluster, _| cluster.nodes[1].cib_match = Some(false),
            &["degraded node litsha22: its document is 0.3.0, which is not this director's"],
        ),
        ("left", |cluster, _| cluster.nodes[1].state = NodeState::Left, &[]),
        (
            "a witness that can carry nothing",
            |cluster, _| {
                cluster.nodes[2].barred = [("web".into(), "it".into())].into();
                cluster.nodes[2].unfit = Some("it".into());
            },
            &[],
        ),
        ("unsafe", |cluster, _| cluster.risks = vec!["two may answer".into()], &[]),
        (
            "no quorum",
            |cluster, vips| {
                (cluster.quorate, cluster.votes, cluster.policy) = (false, 1, "stop".into());
                vips[0].owner = None;
            },
            &[
                "critical cluster: no quorum: 1 nodes are heard, 2 are needed; this director gives up its vips",
            ],
        ),
        (
            "dead, and so are its links",
            |cluster, _| {
                cluster.nodes[1].state = NodeState::Dead;
                cluster.nodes[1].links[0].state = LinkState::Down;
                cluster.nodes[1].links[1].state = LinkState::Down;
            },
            &["degraded node litsha22: dead: silent on all links"],
        ),
        (
            "one link",
            |cluster, _| cluster.nodes[1].links[1].state = LinkState::Down,
            &["degraded link 2 to litsha22: down: litsha22 is not heard on 192.168.69.202"],
        ),
        (
            "another file",
            |cluster, _| cluster.nodes[1].config_match = Some(false),
            &["degraded node litsha22: its file differs from this director's"],
        ),
        (
            "another deadtime",
            |cluster, _| cluster.nodes[1].deadtime_match = Some(false),
            &["degraded node litsha22: its deadtime is not this director's; put the same file on both"],
        ),
        (
            "unfit",
            |cluster, _| cluster.nodes[0].unfit = Some("its checks know nothing".into()),
            &["degraded node litsha21: cannot take over anything: its checks know nothing"],
        ),
        (
            "barred for one reason",
            |cluster, _| {
                cluster.nodes[0].barred =
                    [("web".into(), "no carrier".into()), ("mail".into(), "no carrier".into())].into();
            },
            &["degraded node litsha21: cannot take over vip mail, web: no carrier"],
        ),
        (
            "a vip without an owner",
            |_, vips| {
                vips[0].owner = None;
                vips[0].obstacles = [("litsha22".into(), "it is in standby".into())].into();
            },
            &["critical vip web: nobody has it: litsha21 could; litsha22: it is in standby"],
        ),
        (
            "a full disk",
            |cluster, _| cluster.unwritten = Some("vote.json: No space left on device".into()),
            &[
                "degraded state: cannot be written, so this director keeps what it had: vote.json: No space left on device",
            ],
        ),
        (
            "silence within",
            |cluster, _| cluster.told_seconds = 3.0,
            &["critical cluster: the part that talks with the other nodes says nothing; see the log"],
        ),
    ];
    for (name, change, expected) in table {
        let (mut cluster, mut vips) = calm();
        change(&mut cluster, &mut vips);
        assert_eq!(told(&cluster, &vips), expected, "{name}");
    }
}

#[test]
fn a_trouble_begins_when_it_is_first_seen() {
    let (mut cluster, vips) = calm();
    cluster.nodes[0].config_match = Some(false);
    let first = troubles(&cluster, &vips, &[], before(60));
    let second = troubles(&cluster, &vips, &first, now());
    assert_eq!(first.iter().map(|it| it.since).collect::<Vec<_>>(), [before(60)]);
    assert_eq!(second, first);
}
