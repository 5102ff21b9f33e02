//! When an operator's word has come about.

use std::path::Path;
use std::sync::mpsc::SyncSender;

use failover::Moment;
use failover::cib::Document;
use failover::core::{NodeView, Role, VipView};
use failover::message::{Cause, Reach, Term, Unfit};

use super::*;
use crate::cluster::Command;
use crate::cluster::proposer;
use crate::config::Config;

const FILE: &str = r#"
[cluster]
name = "web"
nodes = [
  { name = "a", links = ["192.0.2.21"] },
  { name = "b", links = ["192.0.2.22"] },
  { name = "c", links = ["192.0.2.23"] },
]
[[vip]]
name = "web"
addresses = ["203.0.113.5/24"]
interface = "eth0"
"#;

type Alive = (watch::Sender<Arc<Report>>, Arc<SyncSender<Command>>);

fn id(index: usize) -> NodeId {
    NodeId::new(index).unwrap()
}

fn node(state: NodeState) -> NodeView {
    NodeView {
        role: Role::Director,
        state,
        silence: Some(Duration::ZERO),
        late: 0,
        unfit: None,
        lease: None,
        file: None,
        document: None,
        hears: failover::NodeSet::default(),
        reach: Reach::default(),
        barred: Vec::new(),
        links: Vec::new(),
    }
}

/// Three nodes, of which the owner has `web`; seen by `a`.
fn view(owner: Option<usize>, pin: Option<usize>, here: Ownership) -> View {
    let vip = VipView {
        id: VipId::of("web"),
        owner: owner.map(id),
        pin: pin.map(id),
        cause: Some(Cause::Moved),
        here,
    };
    View {
        quorate: true,
        leader: Some(id(0)),
        term: Term(1),
        needed: 2,
        document: Document::empty(),
        nodes: [NodeState::Online; 3].map(node).into(),
        vips: vec![vip],
    }
}

const fn held() -> Ownership {
    let moment = Moment::from_origin(Duration::ZERO);
    Ownership::Held { since: moment, until: moment }
}

fn config() -> Config {
    Config::parse(Path::new("f"), FILE.as_bytes()).unwrap()
}

fn place(pin: Option<usize>) -> Goal {
    Goal::Place { vip: Box::new(config().vips.remove(0)), pin: pin.map(id) }
}

/// What a cluster is to bring about whose document has it already, and what keeps that cluster alive.
fn errand(goal: Goal, view: View, patience: Duration) -> (Alive, Errand) {
    let report = Report {
        at: Moment::default(),
        view,
        announced: Vec::new(),
        rejections: Vec::new(),
        strangers: 0,
        unwritten: None,
        left: false,
    };
    let (sender, report) = watch::channel(Arc::new(report));
    let (proposer, commands) = proposer(report.clone(), |base, _| Ok(base));
    let change: Change = Box::new(|_| {});
    (
        (sender, commands),
        Errand { change, proposer, goal, names: Names::of(&config()), me: Some(id(0)), report, patience },
    )
}

#[test]
fn a_goal_is_reached_when_the_cluster_has_settled_there() {
    use Ownership::{Asking, None as Nothing, Yielding};
    // (name, goal, view, reached)
    let mut table = vec![
        ("moved away", place(Some(1)), view(Some(1), Some(1), Nothing), true),
        ("not yet off this node", place(Some(1)), view(Some(1), Some(1), Yielding), false),
        ("there, and not pinned yet", place(Some(1)), view(Some(1), None, Nothing), false),
        ("elsewhere", place(Some(1)), view(Some(2), Some(1), Nothing), false),
        ("moved here", place(Some(0)), view(Some(0), Some(0), held()), true),
        ("not yet on this node", place(Some(0)), view(Some(0), Some(0), Asking), false),
        ("released", place(None), view(Some(0), None, held()), true),
        ("still pinned", place(None), view(Some(0), Some(0), held()), false),
    ];
    let standby = |standby| Goal::Standby { node: id(0), standby };
    table.push(("already online", standby(false), view(Some(0), None, held()), true));
    table.push(("not in standby", standby(true), view(Some(1), None, Nothing), false));
    for (name, owner, here, reached) in [
        ("in standby", Some(1), Nothing, true),
        ("in standby, and nobody has it", None, Nothing, true),
        ("in standby, and not yet off", Some(1), Yielding, false),
        ("in standby, and still the owner", Some(0), held(), false),
    ] {
        let mut view = view(owner, None, here);
        view.nodes[0].state = NodeState::Standby;
        table.push((name, standby(true), view, reached));
    }
    for (name, goal, view, reached) in table {
        assert_eq!(goal.is_reached(&view, Some(id(0))), reached, "{name}");
    }
}

#[tokio::test]
async fn an_errand_ends_when_its_goal_is_reached() {
    let ((sender, _commands), errand) =
        errand(place(Some(1)), view(Some(0), None, held()), Duration::from_secs(60));
    let waiting = tokio::spawn(errand.wait());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiting.is_finished());
    sender.send_modify(|report| Arc::make_mut(report).view = view(Some(1), Some(1), Ownership::None));
    let said = waiting.await.unwrap().unwrap();
    assert!(said.starts_with("vip web: moved to b, until `lvsd vip release web`; it took "), "{said}");
}

#[tokio::test]
async fn an_errand_that_comes_to_nothing_says_what_stands_against_it() {
    let mut unfit = view(Some(0), Some(1), held());
    unfit.nodes[1].unfit = Some(Unfit::Checks);
    let mut alone = view(Some(0), None, held());
    alone.quorate = false;
    let mut silent = view(Some(1), None, Ownership::None);
    silent.nodes[1].state = NodeState::Dead;
    let online = Goal::Standby { node: id(1), standby: false };
    let table = [
        (place(Some(1)), unfit, "vip web: not yet: b: its checks do not know yet how the realservers are"),
        (place(Some(1)), alone, "vip web: not yet: no majority of nodes with a DC is heard"),
        (online, silent, "node b: not yet: it is not heard"),
    ];
    for (goal, view, expected) in table {
        let (_alive, errand) = errand(goal, view, Duration::from_millis(1));
        let said = errand.wait().await.unwrap_err().to_string();
        assert_eq!(said, format!("{expected}; the word was passed on"));
    }
}
