//! What the core sees, and what is shown of it.

use std::path::Path;

use failover::NodeSet;
use failover::cib::Document;
use failover::core::{LinkView, Notice, Role, View};
use failover::message::{Bar, Cause, Mention, Reach, Term, Unfit};

use super::*;
use crate::cluster::Told;
use crate::config::Config;
use crate::snapshot::sample::{before, now};

const FILE: &str = r#"
[cluster]
name = "web"
nodes = [
  { name = "a", links = ["192.0.2.21", "198.51.100.21"] },
  { name = "b", links = ["192.0.2.22", "198.51.100.22"] },
  { name = "c", links = ["192.0.2.23", "198.51.100.23"], role = "witness" },
]
[[vip]]
name = "web"
addresses = ["203.0.113.5/24"]
interface = "eth0"
[[vip]]
name = "mail"
addresses = ["203.0.113.6/24"]
interface = "eth0"
prefer = { a = "never" }
"#;

/// The clock of the report.
const MOMENT: Moment = Moment::from_origin(Duration::from_secs(100));

fn id(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

fn node(state: NodeState, silence: Option<u64>) -> NodeView {
    NodeView {
        role: Role::Director,
        state,
        silence: silence.map(Duration::from_millis),
        late: 2,
        unfit: None,
        lease: Some(Duration::from_secs(1)),
        file: Some(7),
        document: Some(Mention::default()),
        hears: [id(0), id(1)].into_iter().collect::<NodeSet>(),
        reach: Reach { pings: 1, realservers: 4 },
        barred: Vec::new(),
        links: vec![
            LinkView { up: true, received: 9, lost: 1 },
            LinkView { up: false, received: 3, lost: 4 },
        ],
    }
}

fn seat(name: &str, owner: Option<NodeId>, here: Ownership) -> VipView {
    VipView { id: VipId::of(name), owner, pin: None, cause: Some(Cause::Preferred), here }
}

/// `a` looks: it has `web`, and `b` has `mail`.
fn report() -> Report {
    let held = Ownership::Held { since: MOMENT, until: MOMENT + Duration::from_millis(800) };
    let me = NodeView { links: Vec::new(), ..node(NodeState::Online, Some(0)) };
    let witness = NodeView { role: Role::Witness, file: None, ..node(NodeState::Unknown, None) };
    Report {
        at: MOMENT,
        view: View {
            quorate: true,
            leader: Some(id(0)),
            term: Term(7),
            needed: 2,
            document: Document::empty(),
            nodes: vec![me, node(NodeState::Online, Some(100)), witness],
            vips: vec![seat("web", Some(id(0)), held), seat("mail", Some(id(1)), Ownership::None)],
        },
        announced: vec![(VipId::of("web"), thread::Announced { times: 5, ..thread::Announced::default() })],
        rejections: vec![("bad_mac", 3)],
        strangers: 1,
        unwritten: None,
        left: false,
    }
}

/// What is shown of a report, 50 ms after it was made.
fn shown(report: &Report, memory: &Memory) -> (Cluster, Vec<Vip>) {
    let config = Config::parse(Path::new("f"), FILE.as_bytes()).unwrap();
    let names = Names::of(&config);
    let moment = report.at + Duration::from_millis(50);
    let outlook = Outlook { names: &names, me: id(0), report, memory, moment, now: now() };
    let cluster = outlook.cluster(config.cluster.as_ref().unwrap());
    (cluster, config.vips.iter().map(|vip| outlook.vip(vip)).collect())
}

#[test]
fn what_the_core_sees_is_shown_by_name() {
    let (cluster, vips) = shown(&report(), &Memory::new(before(9)));
    assert_eq!((cluster.quorate, cluster.dc.as_deref(), cluster.term), (true, Some("a"), 7));
    assert_eq!((cluster.votes, cluster.votes_needed, cluster.policy.as_str()), (2, 2, "stop"));
    assert_eq!(cluster.rejected, [("bad_mac".to_owned(), 3)].into());
    let states: Vec<_> =
        cluster.nodes.iter().map(|it| (it.name.as_str(), it.role.as_str(), it.state.name())).collect();
    let expected = [("a", "director", "online"), ("b", "director", "online"), ("c", "witness", "unknown")];
    assert_eq!(states, expected);
    let heard: Vec<_> = cluster.nodes.iter().map(|node| node.last_heard_seconds).collect();
    assert_eq!(heard, [Some(0.0), Some(0.15), None], "the report's own age counts");
    let links: Vec<_> =
        cluster.nodes[1].links.iter().map(|it| (&*it.address, it.state.name(), it.lost)).collect();
    assert_eq!(links, [("192.0.2.22", "up", 1), ("198.51.100.22", "down", 4)]);
    let matches: Vec<_> = cluster.nodes.iter().map(|node| node.config_match).collect();
    assert_eq!(matches, [Some(true), Some(true), None]);

    let [web, mail] = vips.try_into().unwrap();
    assert_eq!((web.owner.as_deref(), web.mine, web.here), (Some("a"), true, Hold::Held));
    assert_eq!(web.lease_remaining_seconds, Some(0.75));
    assert_eq!(web.announced.map(|it| it.times), Some(5));
    assert_eq!(web.obstacles, [("c".to_owned(), "it is a witness".to_owned())].into());
    assert_eq!((mail.owner.as_deref(), mail.mine, mail.lease_remaining_seconds), (Some("b"), false, None));
    assert_eq!(mail.obstacles["a"], "the file says \"never\"");
}

#[test]
fn who_has_a_vip_is_what_a_majority_knows() {
    use Ownership::{Asking, Held, None as Nothing, Yielding};
    let held = Held { since: MOMENT, until: MOMENT };
    // (name, quorate, owner in the table, here, shown owner, mine)
    let table = [
        ("it is coming", true, Some(0), Asking, Some("a"), false),
        ("it is leaving", true, Some(1), Yielding, Some("b"), false),
        ("alone, and given up", false, Some(0), Nothing, None, false),
        ("alone, and the table is old", false, Some(1), Nothing, None, false),
        ("alone, and kept", false, Some(1), held, Some("a"), true),
        ("nobody has it", true, None, Nothing, None, false),
    ];
    for (name, quorate, owner, here, shown_owner, mine) in table {
        let mut report = report();
        report.view.quorate = quorate;
        report.view.vips[0] = seat("web", owner.map(id), here);
        let (_, vips) = shown(&report, &Memory::new(now()));
        assert_eq!((vips[0].owner.as_deref(), vips[0].mine), (shown_owner, mine), "{name}");
    }
}

#[test]
fn every_obstacle_has_its_words() {
    let web = VipId::of("web");
    let with = |change: fn(&mut NodeView)| {
        let mut node = node(NodeState::Online, Some(0));
        change(&mut node);
        node
    };
    let mut barred = node(NodeState::Online, Some(0));
    barred.barred = vec![(web, Bar::Carrier)];
    let table = [
        (with(|_| {}), None),
        (with(|it| it.state = NodeState::Suspect), None),
        (with(|it| it.state = NodeState::Standby), Some("it is in standby")),
        (with(|it| it.state = NodeState::Leaving), Some("it has left")),
        (with(|it| it.state = NodeState::Left), Some("it has left")),
        (with(|it| it.state = NodeState::Dead), Some("it is not heard")),
        (with(|it| it.unfit = Some(Unfit::Table)), Some("its kernel does not hold what the file says")),
        (with(|it| it.file = Some(8)), Some("its file differs from that of most nodes")),
        (barred, Some("its interface has no carrier")),
    ];
    for (node, expected) in table {
        let mut report = report();
        report.view.nodes[1] = node;
        let (_, vips) = shown(&report, &Memory::new(now()));
        assert_eq!(vips[0].obstacles.get("b").map(String::as_str), expected);
    }
}

#[test]
fn changes_are_remembered() {
    let mut memory = Memory::new(before(900));
    let (vip, to) = (VipId::of("mail"), Some(id(1)));
    let notices = [
        Notice::Granted { vip, from: None, to, cause: Cause::Vacant },
        Notice::Heard(id(1)),
        Notice::LinkDown(id(1), LinkId(1)),
    ];
    for (seconds, notice) in (1..).zip(notices) {
        memory.note(&Told::Notice(notice), before(seconds));
    }
    let mac = [2, 0, 0, 0, 0, 9];
    memory.note(&Told::Conflict("203.0.113.6".parse().unwrap(), mac), before(4));
    memory.note(&Told::Conflict("203.0.113.5".parse().unwrap(), mac), before(601));
    let (cluster, vips) = shown(&report(), &memory);
    assert_eq!((vips[0].since, vips[1].since), (before(900), before(1)));
    let peer = &cluster.nodes[1];
    assert_eq!((peer.since, peer.links[0].since, peer.links[1].since), (before(2), before(900), before(3)));
    assert_eq!(vips[1].conflicts.iter().map(|it| it.mac.as_str()).collect::<Vec<_>>(), ["02:00:00:00:00:09"]);
    assert!(vips[0].conflicts.is_empty(), "that was long ago");
    let totals: Vec<_> = vips.iter().map(|it| (it.moves_total, it.conflicts_total)).collect();
    assert_eq!(totals, [(0, 1), (1, 1)], "and counts all the same");
}
