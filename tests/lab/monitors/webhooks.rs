//! Webhooks: what they are told, and that one which hangs keeps nothing from another.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex},
};

use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use lvsd::snapshot::RealserverState;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::server::{Deed, Server};
use super::tls::Authority;
use super::{all_up, status, until, until_realserver, watched};
use crate::{
    director::Director,
    network::Node,
    realserver::{Forward, Realserver},
    runtime,
    stage::{Stage, config},
};

/// The client's, where the webhooks are.
const HOST: &str = "192.168.4.100";

/// What a webhook was told, oldest first.
type Told = Arc<Mutex<Vec<Value>>>;

/// Hears messages until dropped.
struct Webhook {
    told: Told,
    _tasks: JoinSet<()>,
}

impl Webhook {
    fn start(node: &Node, port: u16, tls: Option<TlsAcceptor>) -> Self {
        let _runtime = runtime().enter();
        let listener = node.enter(|| {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
            listener.set_nonblocking(true)?;
            io::Result::Ok(listener)
        });
        let listener = net::TcpListener::from_std(listener.unwrap()).unwrap();
        let told = Told::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(hear(listener, tls, Arc::clone(&told)));
        Self { told, _tasks: tasks }
    }

    /// Without the times, which nobody can know.
    fn told(&self) -> Vec<Value> {
        let mut told = self.told.lock().unwrap().clone();
        for message in &mut told {
            for time in ["at", "first_failure", "last_failure", "first_success", "last_success"] {
                let time = message.as_object_mut().unwrap().remove(time).unwrap_or_default();
                assert!(time.is_null() || time.as_str().is_some_and(|it| it.ends_with('Z')), "{time}");
            }
        }
        told
    }
}

async fn hear(listener: net::TcpListener, tls: Option<TlsAcceptor>, told: Told) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, told) = (tls.clone(), Arc::clone(&told));
        connections.spawn(async move {
            match tls {
                Some(tls) => answer(tls.accept(stream).await?, told).await,
                None => answer(stream, told).await,
            }
        });
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, told: Told) -> io::Result<()> {
    let hear = async move |Json(message): Json<Value>| told.lock().unwrap().push(message);
    let service = TowerToHyperService::new(Router::new().route("/lvsd", axum::routing::post(hear)));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    connection.await.map_err(io::Error::other)
}

fn alert(webhook: &str) -> String {
    format!("[[alert]]\nwebhook = '{webhook}/lvsd'\n")
}

#[test]
fn they_are_told_over_http_and_https() {
    let stage = Stage::new();
    let [good, bad]: [Realserver; 2] = stage.realservers(Forward::Nat);
    let (authority, ca) = Authority::new("ours", stage.director.directory());
    let plain = Webhook::start(&stage.client, 9001, None);
    let secret = Webhook::start(&stage.client, 9002, Some(authority.server(HOST)));
    let (strangers, _) = Authority::new("theirs", stage.client.directory());
    let stranger = Webhook::start(&stage.client, 9003, Some(strangers.server(HOST)));
    let urls =
        [format!("http://{HOST}:9001"), format!("https://{HOST}:9002"), format!("https://{HOST}:9003")];
    let server = Server::start(&bad.node, 8001, Deed::Answer);
    let web = watched("web", 80, "", "type = 'http'", &[good.toml(), bad.at_port(8001)]);
    let mut director =
        Director::idle(&stage.director, &config(&[web, urls.map(|url| alert(&url)).concat()].concat()));
    director.set("SSL_CERT_FILE", &ca);
    director.start_again();
    for name in ["rs1", "rs2"] {
        until_realserver(&director, "web", name, RealserverState::Up);
    }

    drop(server);
    until_realserver(&director, "web", "rs2", RealserverState::Down);
    until("both are told", || [&plain, &secret].iter().all(|it| it.told().len() == 1));
    let _server = Server::start(&bad.node, 8001, Deed::Answer);
    until("both are told of the end", || [&plain, &secret].iter().all(|it| it.told().len() == 2));

    let message = |occasion, failing: Value| {
        json!({
            "node": status(&director).node, "occasion": occasion, "service": "web", "group": "web", "services": 1,
            "summary": "rs2", "detail": "rs2: L4CON connection refused\n",
            "realservers": ["rs1", "rs2"], "failing": failing,
        })
    };
    let failing = json!([{"name": "rs2", "code": "L4CON", "detail": "connection refused"}]);
    let expected = [message("down", failing), message("up", json!([]))];
    assert_eq!(plain.told(), expected);
    assert_eq!(secret.told(), expected);

    until("nobody believes a stranger", || {
        let mut events = director.happened().into_iter().filter(|event| event.kind == "alert_failed");
        events.any(|event| event.what.contains(HOST) && event.what.contains("UnknownIssuer"))
    });
    assert_eq!(stranger.told(), [Value::Null; 0]);
}

#[test]
fn one_that_hangs_delays_no_other() {
    /// More than deliveries go on at once.
    const SERVICES: u16 = 9;
    let stage = Stage::new();
    let [good, bad]: [Realserver; 2] = stage.realservers(Forward::Nat);
    let _hangs = Server::start(&stage.client, 9001, Deed::Hang);
    let hears = Webhook::start(&stage.client, 9002, None);
    let server = Server::start(&bad.node, 8001, Deed::Answer);
    let entries = [good.at_port(80), bad.at_port(8001)];
    let services =
        (8001..8001 + SERVICES).map(|port| watched(&format!("s{port}"), port, "", "type = 'http'", &entries));
    let alerts = [9001, 9002].map(|port| alert(&format!("http://{HOST}:{port}")));
    let director = stage.direct(&services.chain(alerts).collect::<String>());
    until("all are well", || all_up(&director));

    drop(server);
    until("the other is told of all", || hears.told().len() == usize::from(SERVICES));
    let failed = director.happened().into_iter().filter(|event| event.kind == "alert_failed");
    assert_eq!(failed.count(), 0, "nothing has ended that hangs");
    let _server = Server::start(&bad.node, 8001, Deed::Answer);
    until("all are well again", || all_up(&director));
    until("it is told of all ends", || hears.told().len() == 2 * usize::from(SERVICES));
}
