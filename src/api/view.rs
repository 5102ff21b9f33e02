//! What there is to see, over HTTP: the same on the control socket and over TCP, and nothing that changes anything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::{metrics, page};
use crate::director::Request;
use crate::events::{Event, Events};
use crate::snapshot::text::{Style, text};
use crate::snapshot::words::in_short;
use crate::snapshot::{Health, Snapshot};

/// How long a request for events waits for new ones.
const LONG_POLL: Duration = Duration::from_secs(30);
/// How long whoever looks waits for a new snapshot.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many events the page has.
const EVENTS_SHOWN: usize = 50;

/// Which events are asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventQuery {
    /// Those after this id.
    pub since: u64,
    /// Wait for a while if there are none.
    pub wait: bool,
}

/// What of the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PageQuery {
    /// Only this service.
    service: Option<String>,
}

/// What there is to see; a clone shows the same.
#[derive(Clone)]
pub struct View {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    events: Events,
    /// Who makes snapshots when somebody looks.
    director: Option<mpsc::Sender<Request>>,
}

impl View {
    /// Shows the latest snapshot, and the events.
    #[must_use]
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, events: Events) -> Self {
        Self { snapshots, events, director: None }
    }

    /// Asks the director for a snapshot of the moment each time that somebody looks.
    #[must_use]
    pub fn asking(mut self, director: mpsc::Sender<Request>) -> Self {
        self.director = Some(director);
        self
    }

    /// The routes, all of them for GET and HEAD.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(show_page))
            .route("/metrics", get(show_metrics))
            .route("/healthz", get(async || "alive\n"))
            .route("/readyz", get(async || "ready\n"))
            .route("/v1/alerts", get(show_alerts))
            .route("/v1/events", get(list_events))
            .route("/v1/status", get(show_status))
            .layer(middleware::map_response(guard))
            .with_state(self)
    }

    /// The snapshot of this moment; the latest one if the director has no time.
    async fn snapshot(&self) -> Arc<Snapshot> {
        if let Some(director) = &self.director {
            let (reply, made) = oneshot::channel();
            let look = async {
                drop(director.send(Request::Look { reply }).await);
                drop(made.await);
            };
            drop(tokio::time::timeout(PATIENCE, look).await);
        }
        Arc::clone(&self.snapshots.borrow())
    }
}

/// What a browser must know of every answer: nothing in it is anything but what it says, and it is of this moment.
async fn guard(mut response: Response) -> Response {
    const ALWAYS: [(HeaderName, &str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Makes an answer where it does not hold up anybody: with thousands of realservers it takes a while.
async fn aside<T: IntoResponse + Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(make).await {
        Ok(answer) => answer.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What cannot be written, which would be a mistake of ours.
fn unwritten(error: impl fmt::Display) -> StatusCode {
    tracing::error!(%error, "cannot write an answer");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn show_page(
    State(view): State<View>,
    Query(PageQuery { service }): Query<PageQuery>,
    headers: HeaderMap,
) -> Response {
    let snapshot = view.snapshot().await;
    let now = Timestamp::now();
    let vary = [(header::VARY, "Accept")];
    if wants_text(&headers) {
        return aside(move || (vary, text(&snapshot, now, Style::default()))).await;
    }
    aside(move || {
        let events = view.events.latest(EVENTS_SHOWN);
        let policy = [(header::CONTENT_SECURITY_POLICY, page::policy())];
        page::render(&snapshot, &events, service.as_deref(), now)
            .map(|page| (vary, policy, Html(page)))
            .map_err(unwritten)
    })
    .await
}

/// Whether text is asked for, and a page is not.
fn wants_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains("text/plain") && !accepted.contains("text/html")
}

async fn show_status(State(view): State<View>) -> Response {
    let snapshot = view.snapshot().await;
    aside(move || Json(&*snapshot).into_response()).await
}

async fn show_metrics(State(view): State<View>) -> Response {
    let snapshot = view.snapshot().await;
    aside(move || {
        let kind = [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)];
        metrics::render(snapshot, view.events.totals()).map(|text| (kind, text)).map_err(unwritten)
    })
    .await
}

/// One line for a monitoring system; anything but OK is an error to it.
async fn show_alerts(State(view): State<View>) -> (StatusCode, String) {
    let snapshot = view.snapshot().await;
    let status = match snapshot.health {
        Health::Ok => StatusCode::OK,
        Health::Degraded | Health::Critical => StatusCode::SERVICE_UNAVAILABLE,
    };
    let of = match snapshot.problems.first() {
        Some(problem) => format!("{}: {}", problem.object, problem.what),
        None => "nothing needs an operator".to_owned(),
    };
    let more = match snapshot.problems.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    (status, format!("{} - {}{more}\n", snapshot.verdict(), in_short(&of, 300)))
}

async fn list_events(State(view): State<View>, Query(query): Query<EventQuery>) -> Json<Vec<Event>> {
    if query.wait {
        drop(tokio::time::timeout(LONG_POLL, view.events.wait_after(query.since)).await);
    }
    Json(view.events.since(query.since))
}
