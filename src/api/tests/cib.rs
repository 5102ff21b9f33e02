//! The document, read and replaced over the control socket.

use std::path::Path;
use std::sync::mpsc::SyncSender;

use failover::cib::Version;
use failover::core::{Declined, View as ClusterView};
use reqwest::StatusCode;
use tempfile::TempDir;

use super::*;
use crate::api::{Committed, Replaced, Verdict};
use crate::cib::Explanation;
use crate::cib::sample::{TEXT, scene};
use crate::cluster::proposer;
use crate::cluster::{Command, Names};
use crate::config::Config;
use crate::director::{Desk, Refusal, Request};

/// What the cluster says to a document, by the version that it is to replace.
type Cluster = fn(Version) -> Result<Version, Declined>;

const FILE: &str = r#"
[cluster]
name = "web"
deadtime = "700ms"
warntime = "500ms"
nodes = [
  { name = "a", links = ["192.0.2.21"] },
  { name = "b", links = ["192.0.2.22"] },
  { name = "c", links = ["192.0.2.23"], role = "witness" },
]
[[vip]]
name = "web"
addresses = ["192.0.2.5/24"]
interface = "eth0"
[[vip]]
name = "mail"
addresses = ["192.0.2.6/24"]
interface = "eth0"
"#;

/// A daemon that is asked over its socket.
struct Daemon {
    client: reqwest::Client,
    _directory: TempDir,
    /// The cluster listens as long as this is there.
    _commands: Arc<SyncSender<Command>>,
}

impl Daemon {
    fn start(change: fn(&mut ClusterView), cluster: Cluster) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let socket = Socket::bind(&path).unwrap();
        let (requests, mut inbox) = mpsc::channel(1);
        let (_, report) = watch::channel(scene(TEXT, change).report);
        let (proposer, commands) =
            proposer(report, move |base, document| cluster(base).map(|_| document.version()));
        tokio::spawn(async move {
            let config = Config::parse(Path::new("lvsd.toml"), FILE.as_bytes()).unwrap();
            let names = Names::of(&config);
            let timing = config.cluster.unwrap().timing();
            while let Some(request) = inbox.recv().await {
                let Request::Desk { reply } = request else { continue };
                let scene = scene(TEXT, change);
                let (_, report) = watch::channel(Arc::clone(&scene.report));
                let events = Events::default();
                let (names, timing, proposer) = (names.clone(), timing.clone(), proposer.clone());
                let desk = Desk { scene, names, timing, proposer, report, events };
                assert!(reply.send(Ok(desk)).is_ok());
            }
        });
        tokio::spawn(socket.serve(requests, view(rich(), &Events::default()), std::future::pending()));
        let client = client(|it| it.unix_socket(path.as_path()));
        Self { client, _directory: directory, _commands: commands }
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let answer = self.client.get(format!("http://lvsd{path}")).send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap().to_vec())
    }

    async fn replace(&self, query: &str, text: String) -> (StatusCode, Replaced) {
        let url = format!("http://lvsd/v1/cib{query}");
        let answer = self.client.post(url).body(text).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

fn standby() -> String {
    TEXT.replace("name = \"a\"\n", "name = \"a\"\nstandby = true\n")
}

fn nowhere() -> String {
    format!("{TEXT}\n[[location]]\nid = \"x\"\nvip = \"web\"\nscore = \"never\"\nall = []\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_document_is_read_in_every_form_also_in_a_minority() {
    let daemon = Daemon::start(|view| view.quorate = false, Ok);
    // (query, part of the text)
    let table = [
        ("", TEXT),
        ("?form=heartbeat", "have_quorum=\"false\""),
        ("?form=heartbeat", "<status>"),
        ("?form=pacemaker", "validate-with=\"pacemaker-1.0\""),
    ];
    for (query, part) in table {
        let (status, body) = daemon.get(&format!("/v1/cib{query}")).await;
        let committed: Committed = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, committed.quorate, committed.ping_hosts), (StatusCode::OK, false, 1), "{query}");
        assert!(committed.text.contains(part), "{query}: {}", committed.text);
        let [timing] = &committed.timing[..] else { panic!("{:?}", committed.timing) };
        assert!(timing.starts_with("warning[timing] deadtime: a deadtime of 700ms is less"), "{timing}");
        assert!(timing.ends_with("; use 800ms or more"), "{timing}");
    }
    assert_eq!(daemon.get("/v1/cib?form=yaml").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn vips_are_explained_one_by_one_and_without_a_node() {
    let daemon = Daemon::start(|_| {}, Ok);
    // (query, the vips, how the first sentence begins)
    let table: [(&str, &[&str], &str); 3] = [
        ("", &["web", "mail"], "web is at a, because"),
        ("?vip=mail", &["mail"], "mail is at b, because"),
        ("?vip=web&without=A", &["web"], "without a, web moves from a to b, because"),
    ];
    for (query, vips, begin) in table {
        let (_, body) = daemon.get(&format!("/v1/vip/explain{query}")).await;
        let all: Vec<Explanation> = serde_json::from_slice(&body).unwrap();
        assert_eq!(all.iter().map(|it| it.vip.as_str()).collect::<Vec<_>>(), vips, "{query}");
        assert!(all[0].sentence.starts_with(begin), "{query}: {}", all[0].sentence);
    }
    for (query, expected) in [
        ("?vip=no", "there is no vip \"no\"; there is web, mail"),
        ("?without=no", "there is no node \"no\"; there is a, b, c"),
    ] {
        let (status, body) = daemon.get(&format!("/v1/vip/explain{query}")).await;
        let verdict: Verdict = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, verdict.message.as_str()), (StatusCode::CONFLICT, expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_document_takes_anothers_place_whole_or_not_at_all() {
    let untouched: Cluster = |_| panic!("nothing is proposed");
    let outrun: Cluster = |_| Err(Declined::Conflict("0.5.1".parse().unwrap()));
    let alone: Cluster = |_| Err(Declined::NoQuorum);
    // (query, text, what the cluster says, whether it is done, part of the message)
    let table: [(&str, String, Cluster, bool, &str); 10] = [
        ("", TEXT.to_owned(), untouched, true, "nothing differs: the document stays 0.5.0"),
        (
            "?dry_run=true",
            standby(),
            untouched,
            true,
            "nothing is done: without --dry-run, the document would be 0.6.0",
        ),
        ("?if_version=0.5.0", standby(), Ok, true, "the document is 0.6.0 now"),
        ("?if_version=0.4.0", standby(), untouched, false, "the document is 0.5.0, not 0.4.0"),
        ("", standby(), outrun, false, "somebody else was first: the document is 0.5.1 now"),
        ("", standby(), alone, false, "reads the document, and cannot change it"),
        ("", nowhere(), untouched, false, "a vip would be nowhere; --force does it all the same"),
        ("?force=true", nowhere(), Ok, true, "the document is 0.6.0 now"),
        ("", "x".repeat(10 << 20), untouched, false, "65536"),
        ("?source=xml", "<!DOCTYPE a []><cib/>".to_owned(), untouched, false, "line 1"),
    ];
    for (query, text, cluster, done, part) in table {
        let daemon = Daemon::start(|_| {}, cluster);
        let (status, replaced) = daemon.replace(query, text).await;
        assert!(replaced.message.contains(part), "{query} {part}: {}", replaced.message);
        assert_eq!((replaced.done, status == StatusCode::OK), (done, done), "{query} {part}");
    }
    let daemon = Daemon::start(|_| {}, Ok);
    let (_, replaced) = daemon.replace("?dry_run=true", standby()).await;
    assert!(replaced.preview[1].starts_with("this would move web from a to b, because"), "{replaced:?}");
    let large =
        daemon.client.post("http://lvsd/v1/cib").body("x".repeat((10 << 20) + 2)).send().await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_director_that_stands_alone_has_no_document() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let socket = Socket::bind(&path).unwrap();
    let (requests, mut inbox) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(Request::Desk { reply }) = inbox.recv().await {
            assert!(reply.send(Err(Refusal::Alone)).is_ok());
        }
    });
    tokio::spawn(socket.serve(requests, view(rich(), &Events::default()), std::future::pending()));
    let client = client(|it| it.unix_socket(path.as_path()));
    for path in ["/v1/cib", "/v1/vip/explain"] {
        let answer = client.get(format!("http://lvsd{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        assert!(answer.json::<Verdict>().await.unwrap().message.contains("stands alone"), "{path}");
    }
    let answer = client.post("http://lvsd/v1/cib").body(TEXT).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
}
