//! What is answered, over real sockets, to good clients and bad ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

mod cib;

use super::{LOCAL, Limits, REMOTE, Socket, View, metrics, page, serve};
use crate::events::{Events, Kind};
use crate::snapshot::sample::{HOSTILE, hostile, many, now, rich};
use crate::snapshot::{Health, RealserverState, Snapshot};

fn view(snapshot: Snapshot, events: &Events) -> View {
    let (_, snapshots) = watch::channel(Arc::new(snapshot));
    View::new(snapshots, events.clone())
}

/// A page server on the loopback interface, until the sender goes.
async fn listen(snapshot: Snapshot, limits: Limits) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let router = view(snapshot, &Events::default()).router();
    tokio::spawn(serve(listener, router, limits, async { drop(ended.await) }));
    (address, end)
}

fn page_of(snapshot: &Snapshot, events: &Events, only: Option<&str>) -> String {
    page::render(snapshot, &events.latest(50), only, now()).unwrap()
}

/// A client that speaks no TLS.
fn client(set: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> reqwest::Client {
    let tls = crate::tls::client(rustls::RootCertStore::empty()).unwrap();
    set(reqwest::Client::builder().tls_backend_preconfigured(tls)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_view_is_served_and_says_what_it_is() {
    let (address, _end) = listen(rich(), REMOTE).await;
    let client = client(|it| it);
    // (path, accepted, status, content type, part of the body)
    let table = [
        ("/", "*/*", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("/", "text/html,text/plain", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("/", "text/plain", 200, "text/plain; charset=utf-8", "CRITICAL(1)  litsha21"),
        ("/?service=http", "*/*", 200, "text/html; charset=utf-8", "litstat5"),
        ("/?service=no", "*/*", 200, "text/html; charset=utf-8", "There is no service called <bdi>no</bdi>"),
        ("/v1/status", "*/*", 200, "application/json", "\"health\":\"critical\""),
        ("/v1/events?since=0", "*/*", 200, "application/json", "[]"),
        ("/metrics", "*/*", 200, metrics::CONTENT_TYPE, "# EOF\n"),
        ("/healthz", "*/*", 200, "text/plain; charset=utf-8", "alive\n"),
        ("/readyz", "*/*", 200, "text/plain; charset=utf-8", "ready\n"),
        ("/v1/alerts", "*/*", 503, "text/plain; charset=utf-8", "CRITICAL(1) - service imap: "),
        ("/no", "*/*", 404, "", ""),
    ];
    for (path, accepted, status, kind, part) in table {
        let request = client.get(format!("http://{address}{path}")).header("Accept", accepted);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(header("content-type"), kind, "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(header("content-security-policy").starts_with("default-src 'none'; "), "{path}");
        let body = answer.text().await.unwrap();
        assert!(body.contains(part), "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_tcp_nothing_can_be_changed() {
    let (address, _end) = listen(rich(), REMOTE).await;
    let client = client(|it| it);
    for path in ["/", "/metrics", "/v1/status", "/v1/events", "/readyz"] {
        let url = format!("http://{address}{path}");
        assert_eq!(client.post(&url).send().await.unwrap().status(), 405, "{path}");
        let head = client.head(&url).send().await.unwrap();
        assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""), "{path}");
    }
    for path in ["/v1/reload", "/v1/release"] {
        assert_eq!(
            client.post(format!("http://{address}{path}")).send().await.unwrap().status(),
            404,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_control_socket_shows_the_same_and_ends_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let socket = Socket::bind(&path).unwrap();
    let (requests, _inbox) = mpsc::channel(1);
    let (end, ended) = oneshot::channel::<()>();
    let serving = socket.serve(requests, view(rich(), &Events::default()), async { drop(ended.await) });
    let serving = tokio::spawn(serving);
    let client = client(|it| it.unix_socket(path.as_path()));
    let answer = client.get("http://lvsd/v1/status").send().await.unwrap();
    assert_eq!(answer.json::<Snapshot>().await.unwrap(), rich());
    end.send(()).unwrap();
    serving.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_takes_its_time_is_cut() {
    let short = Duration::from_millis(50);
    // (name, limits, what the client sends)
    let table: [(_, Limits, &[u8]); 3] = [
        ("sends nothing", Limits { head: short, ..REMOTE }, b""),
        ("does not end its head", Limits { head: short, ..LOCAL }, b"GET / HTTP/1.1\r\nHost: a\r\n"),
        (
            "waits for events for too long",
            Limits { whole: Some(short), ..REMOTE },
            b"GET /v1/events?wait=true HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ];
    for (name, limits, sent) in table {
        let (address, _end) = listen(rich(), limits).await;
        let cut = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(sent).unwrap();
            // Far beyond every limit: it is only there for the test to end.
            stream.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
            let mut answer = Vec::new();
            let end = stream.read_to_end(&mut answer).map_err(|error| error.kind());
            (
                end.is_ok() || end == Err(std::io::ErrorKind::ConnectionReset),
                answer.starts_with(b"HTTP/1.1 200"),
            )
        });
        assert_eq!(cut.await.unwrap(), (true, false), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn those_who_find_no_place_wait_for_one() {
    let limits = Limits { connections: 2, head: Duration::from_millis(500), whole: None };
    let (address, _end) = listen(rich(), limits).await;
    let idle: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
    let answer = client(|it| it).get(format!("http://{address}/healthz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(idle);
}

#[test]
fn the_status_has_these_keys() {
    fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    found.insert(format!("{path}{key}"));
                    keys(value, &format!("{path}{key}."), found);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| keys(value, path, found)),
            _ => {}
        }
    }
    let json = serde_json::to_value(rich()).unwrap();
    let mut found = BTreeSet::new();
    keys(&json, "", &mut found);
    let expected = "snapshot generated_at node version health problems config cluster vips services checks \
        cluster.quorate cluster.since cluster.dc cluster.term cluster.policy cluster.tie_break cluster.risks \
        cluster.votes cluster.votes_needed cluster.rejected cluster.rejected.bad_mac cluster.rejected.replayed \
        cluster.rejected.short cluster.strangers cluster.unwritten cluster.told_seconds cluster.nodes cluster.nodes.name \
        cluster.nodes.role cluster.nodes.state cluster.nodes.since cluster.nodes.last_heard_seconds \
        cluster.nodes.late cluster.nodes.config_match cluster.nodes.cib cluster.nodes.cib.version \
        cluster.nodes.cib.term cluster.nodes.cib.digest cluster.nodes.cib.committed cluster.nodes.cib_match \
        cluster.cib cluster.cib.version cluster.cib.term cluster.cib.digest cluster.cib.committed \
        cluster.nodes.deadtime_match cluster.nodes.unfit \
        cluster.nodes.hears cluster.nodes.reach cluster.nodes.reach.pings \
        cluster.nodes.reach.realservers cluster.nodes.barred cluster.nodes.barred.spare \
        cluster.nodes.links cluster.nodes.links.address cluster.nodes.links.state cluster.nodes.links.since \
        cluster.nodes.links.received cluster.nodes.links.lost \
        checks.made checks.made.L7OK checks.made.L4TOUT checks.in_flight checks.held checks.lateness \
        checks.lateness.count checks.lateness.sum_seconds checks.lateness.buckets \
        problems.severity problems.object problems.what problems.since \
        config.path config.sha256 config.loaded_at config.error \
        vips.name vips.addresses vips.interface vips.owner vips.mine vips.since vips.reason \
        vips.here vips.lease_remaining_seconds vips.pinned_to vips.obstacles vips.obstacles.litsha21 vips.obstacles.litsha23 \
        vips.snat vips.snat.rules vips.snat.active vips.announced vips.announced.times vips.announced.asked vips.announced.confirmed \
        vips.moves_total vips.conflicts_total vips.conflicts vips.conflicts.address vips.conflicts.mac vips.conflicts.at \
        services.name services.address services.protocol services.scheduler services.forward services.state \
        services.reason services.since services.serving services.min_serving services.connections_total \
        services.packets_in_total services.packets_out_total services.bytes_in_total services.bytes_out_total \
        services.connections_per_second services.bytes_in_per_second services.bytes_out_per_second \
        services.realservers services.realservers.name services.realservers.address \
        services.realservers.forward services.realservers.state services.realservers.reason \
        services.realservers.since services.realservers.weight services.realservers.effective_weight \
        services.realservers.in_kernel services.realservers.active services.realservers.inactive \
        services.realservers.connections_total services.realservers.check services.realservers.check.code \
        services.realservers.check.detail services.realservers.check.seconds services.realservers.check.at";
    assert_eq!(found, expected.split_whitespace().map(ToOwned::to_owned).collect());
    assert_eq!(serde_json::from_value::<Snapshot>(json).unwrap(), rich());
}

#[test]
fn nothing_from_outside_is_obeyed_by_a_browser() {
    let events = Events::default();
    events.record(Kind::Refused, HOSTILE, HOSTILE, HOSTILE);
    for only in [None, Some(HOSTILE)] {
        let page = page_of(&hostile(), &events, only);
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("script>\"") && !page.contains("x'&\\"), "{page}");
        assert!(!page.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')));
        assert!(page.contains("&#60;script&#62;&#34;x&#39;&#38;\\"), "{page}");
    }
}

#[test]
fn the_policy_allows_the_style_of_the_page_and_the_page_has_no_other() {
    use base64::prelude::{BASE64_STANDARD, Engine};
    use sha2::{Digest, Sha256};
    let page = page_of(&rich(), &Events::default(), None);
    let (_, rest) = page.split_once("<style>").unwrap();
    let (style, rest) = rest.split_once("</style>").unwrap();
    assert!(page::policy().contains(&BASE64_STANDARD.encode(Sha256::digest(style))));
    for forbidden in ["style=", "<style", "<script", "src=", "<link", "url("] {
        assert!(!rest.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn a_page_is_small_whatever_there_is_to_see() {
    let events = Events::default();
    for _ in 0..50 {
        events.record(Kind::Refused, "x".repeat(1000), "x".repeat(1000), "reload");
    }
    // (realservers, services)
    for (realservers, services) in [(10_000, 1), (10_000, 100), (10_000, 10_000)] {
        for state in [RealserverState::Up, RealserverState::Down] {
            let snapshot = many(realservers, services, state);
            for only in [None, Some("service-0")] {
                let page = page_of(&snapshot, &events, only);
                let name = format!("{realservers} in {services}, {state:?}, {only:?}");
                assert!(page.len() < 300_000, "{name}: {}", page.len());
                assert!(page.contains(" more"), "{name}");
            }
        }
    }
}

/// The families with their types, and the series under the name that each has; panics at what a scraper refuses.
fn scrape(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    let (mut helped, mut types, mut series) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    let mut lines: Vec<&str> = text.strip_suffix('\n').unwrap().split('\n').collect();
    assert_eq!(lines.pop(), Some("# EOF"));
    for line in lines {
        if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(helped.insert(help.split_once(' ').unwrap().0.to_owned()), "twice: {line}");
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (family, of) = of.split_once(' ').unwrap();
            assert!(helped.contains(family), "no help: {line}");
            assert!(types.insert(family.to_owned(), of.to_owned()).is_none(), "twice: {line}");
        } else {
            let (labelled, value) = line.rsplit_once(' ').unwrap();
            let name = labelled.split('{').next().unwrap();
            let family = match name {
                name if types.contains_key(name) => name,
                name => ["_total", "_info", "_sum", "_count", "_bucket"]
                    .iter()
                    .find_map(|suffix| name.strip_suffix(suffix))
                    .unwrap(),
            };
            assert!(types.contains_key(family) && name.starts_with("lvsd_"), "no type: {line}");
            // Quotes and backslashes come in pairs or are escaped.
            let labels = labelled.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(labels.matches('"').count() % 2, 0, "{line}");
            series.insert(labelled.to_owned(), value.parse().unwrap());
        }
    }
    (types, series)
}

#[test]
fn metrics_say_what_the_snapshot_says() {
    let events = Events::default();
    events.record(Kind::Applied, "f", "w", "start");
    let (types, series) = scrape(&metrics::render(Arc::new(rich()), events.totals()).unwrap());
    assert_eq!(types["lvsd_realserver_state"], "gauge");
    assert_eq!(types["lvsd_service_connections"], "counter");
    let table = [
        ("lvsd_build_info{version=\"0.1.0\"}", 1.0),
        ("lvsd_config_last_reload_successful", 1.0),
        ("lvsd_events_total{kind=\"applied\"}", 1.0),
        ("lvsd_events_total{kind=\"refused\"}", 0.0),
        ("lvsd_problems{severity=\"critical\"}", 1.0),
        ("lvsd_problems{severity=\"degraded\"}", 2.0),
        ("lvsd_vip_owned{vip=\"web\"}", 1.0),
        ("lvsd_vip_owned{vip=\"mail\"}", 0.0),
        ("lvsd_vip_transitions_total{vip=\"web\"}", 2.0),
        ("lvsd_vip_conflicts_total{vip=\"web\"}", 0.0),
        ("lvsd_vip_conflicts_total{vip=\"mail\"}", 1.0),
        ("lvsd_takeover_ready{vip=\"web\"}", 1.0),
        ("lvsd_takeover_ready{vip=\"spare\"}", 0.0),
        ("lvsd_takeover_blockers{vip=\"spare\",reason=\"its interface has no carrier\"}", 1.0),
        ("lvsd_vip_snat_active{vip=\"web\"}", 1.0),
        ("lvsd_vip_owner{vip=\"mail\",node=\"litsha22\"}", 1.0),
        ("lvsd_vip_owner{vip=\"spare\",node=\"litsha22\"}", 0.0),
        ("lvsd_vip_lease_remaining_seconds{vip=\"web\"}", 0.83),
        ("lvsd_vip_announcements_total{vip=\"web\"}", 5.0),
        ("lvsd_vip_neighbours{vip=\"web\",set=\"asked\"}", 2.0),
        ("lvsd_vip_neighbours{vip=\"web\",set=\"confirmed\"}", 1.0),
        ("lvsd_cluster_quorate", 1.0),
        ("lvsd_cluster_term", 7.0),
        ("lvsd_cluster_votes", 2.0),
        ("lvsd_cluster_dc{node=\"litsha21\"}", 1.0),
        ("lvsd_cluster_dc{node=\"litsha22\"}", 0.0),
        ("lvsd_datagrams_rejected_total{reason=\"replayed\"}", 12.0),
        ("lvsd_datagrams_rejected_total{reason=\"short\"}", 0.0),
        ("lvsd_datagrams_strangers_total", 3.0),
        ("lvsd_node_state{node=\"litsha23\",state=\"dead\"}", 1.0),
        ("lvsd_node_state{node=\"litsha23\",state=\"online\"}", 0.0),
        ("lvsd_node_config_match{node=\"litsha22\"}", 0.0),
        ("lvsd_node_cib_match{node=\"litsha21\"}", 1.0),
        ("lvsd_node_cib_match{node=\"litsha22\"}", 0.0),
        (
            "lvsd_node_cib_info{node=\"litsha22\",version=\"0.3.0\",term=\"7\",digest=\"0ddba110ddba1100\"}",
            1.0,
        ),
        ("lvsd_heartbeats_late_total{node=\"litsha22\"}", 3.0),
        ("lvsd_link_up{node=\"litsha22\",address=\"192.168.68.202\"}", 1.0),
        ("lvsd_link_up{node=\"litsha22\",address=\"192.168.69.202\"}", 0.0),
        ("lvsd_heartbeats_lost_total{node=\"litsha22\",address=\"192.168.69.202\"}", 69.0),
        ("lvsd_heartbeats_received_total{node=\"litsha22\",address=\"192.168.68.202\"}", 45_000.0),
        ("lvsd_service_state{service=\"http\",state=\"panic\"}", 1.0),
        ("lvsd_service_state{service=\"http\",state=\"up\"}", 0.0),
        ("lvsd_service_realservers{service=\"http\",set=\"configured\"}", 7.0),
        ("lvsd_service_realservers{service=\"http\",set=\"enabled\"}", 5.0),
        ("lvsd_service_realservers{service=\"http\",set=\"healthy\"}", 2.0),
        ("lvsd_service_realservers{service=\"http\",set=\"serving\"}", 3.0),
        ("lvsd_service_min_serving{service=\"http\"}", 3.0),
        ("lvsd_service_connections_total{service=\"http\"}", 123_456.0),
        ("lvsd_service_incoming_packets_total{service=\"http\"}", 1_234_560.0),
        ("lvsd_service_outgoing_packets_total{service=\"http\"}", 2_469_120.0),
        ("lvsd_service_incoming_bytes_total{service=\"http\"}", 98_764_800.0),
        ("lvsd_service_outgoing_bytes_total{service=\"http\"}", 3_209_856_000.0),
        ("lvsd_realserver_state{service=\"http\",realserver=\"litstat1\",state=\"held\"}", 1.0),
        ("lvsd_realserver_weight{service=\"http\",realserver=\"litstat2\",kind=\"configured\"}", 2.0),
        ("lvsd_realserver_weight{service=\"http\",realserver=\"litstat2\",kind=\"effective\"}", 0.0),
        ("lvsd_realserver_connections{service=\"http\",realserver=\"apache1\",state=\"active\"}", 3.0),
        ("lvsd_realserver_connections_total{service=\"http\",realserver=\"apache1\"}", 4711.0),
        ("lvsd_check_runs_total{result=\"L4TOUT\"}", 12.0),
        ("lvsd_checks_inflight", 3.0),
        ("lvsd_check_lateness_seconds_count", 70_015.0),
        ("lvsd_check_lateness_seconds_bucket{le=\"0.05\"}", 70_010.0),
        ("lvsd_check_lateness_seconds_bucket{le=\"+Inf\"}", 70_015.0),
        ("lvsd_check_duration_seconds{service=\"http\",realserver=\"apache1\"}", 0.0012),
    ];
    for (name, value) in table {
        assert_eq!(series.get(name), Some(&value), "{name}");
    }
    assert!(!series.contains_key("lvsd_check_duration_seconds{service=\"http\",realserver=\"litstat5\"}"));
}

#[test]
fn a_director_that_stands_alone_has_no_cluster_to_show() {
    let alone = Snapshot { cluster: None, ..rich() };
    let (types, series) = scrape(&metrics::render(Arc::new(alone.clone()), BTreeMap::new()).unwrap());
    let others = [
        "lvsd_cluster",
        "lvsd_takeover",
        "lvsd_node",
        "lvsd_link",
        "lvsd_heartbeats",
        "lvsd_datagrams",
        "lvsd_vip_owner",
    ];
    assert!(
        !types
            .keys()
            .any(|name| others.iter().any(|other| name.starts_with(other) && name != "lvsd_vip_owned"))
    );
    assert_eq!(series.get("lvsd_vip_owned{vip=\"web\"}"), Some(&1.0));
    assert!(!page_of(&alone, &Events::default(), None).contains("<h2>Cluster</h2>"));
}

#[test]
fn the_page_has_the_cluster_before_its_services() {
    let page = page_of(&rich(), &Events::default(), None);
    let order = ["<h2>Problems</h2>", "<h2>Cluster</h2>", "<h2>Addresses</h2>", "<h2>Services</h2>"];
    let places: Vec<_> = order.iter().map(|part| page.find(part).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    for part in
        ["</i> quorate</b>", "</i> unsafe</b>", "its file differs", "192.168.69.202, 69 lost", "lease 0.83s"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn labels_are_escaped() {
    let text = metrics::render(Arc::new(hostile()), BTreeMap::new()).unwrap();
    let (_, series) = scrape(&text);
    assert!(series.keys().any(|name| name.contains("<script>\\\"x'&\\\\\\n\r")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn alerts_are_one_line() {
    let calm = Snapshot { health: Health::Ok, problems: Vec::new(), ..rich() };
    let table = [
        (calm, 200, "OK - nothing needs an operator\n"),
        (
            rich(),
            503,
            "CRITICAL(1) - service imap: nobody serves it: both realservers are down (and 2 more)\n",
        ),
    ];
    for (snapshot, status, line) in table {
        let (address, _end) = listen(snapshot, REMOTE).await;
        let answer = client(|it| it).get(format!("http://{address}/v1/alerts")).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.text().await.unwrap(), line);
    }
}

/// Writes pages to look at: `PAGES=directory cargo test --lib -- --ignored pages_to_look_at`.
#[test]
#[ignore = "for eyes"]
fn pages_to_look_at() {
    let directory = std::path::PathBuf::from(std::env::var_os("PAGES").expect("PAGES names a directory"));
    let events = Events::default();
    events.record(Kind::Applied, "/etc/lvsd/lvsd.toml", "2 services added", "start");
    events.record(
        Kind::DriftRepaired,
        "http (tcp 192.0.2.205:80)",
        "192.0.2.220:80 had weight 5, not 1",
        "drift",
    );
    let calm = Snapshot { health: Health::Ok, problems: Vec::new(), ..many(10_000, 20, RealserverState::Up) };
    for (name, snapshot) in [
        ("rich", rich()),
        ("many", many(10_000, 100, RealserverState::Down)),
        ("calm", calm),
        ("hostile", hostile()),
    ] {
        let start = Instant::now();
        let page = page_of(&snapshot, &events, None);
        let metrics = metrics::render(Arc::new(snapshot), events.totals()).unwrap();
        println!("{name}: page {} bytes, metrics {} bytes, {:?}", page.len(), metrics.len(), start.elapsed());
        std::fs::write(directory.join(name).with_extension("html"), page).unwrap();
    }
}
