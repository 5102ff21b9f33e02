//! The control socket: what the command line asks of the daemon, as HTTP over a unix socket.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

use crate::director::{Refusal, Request};
use crate::events::{Event, Events};

/// Where the daemon listens when nothing says otherwise.
pub const SOCKET: &str = "/run/lvsd/lvsd.sock";

/// How long a request for events waits for new ones.
const LONG_POLL: Duration = Duration::from_secs(30);

/// What came of a request to change something.
#[derive(Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it was done.
    pub done: bool,
    /// What was done, or why not.
    pub message: String,
}

/// Which events are asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventQuery {
    /// Those after this id.
    pub since: u64,
    /// Wait for a while if there are none.
    pub wait: bool,
}

/// How a reload treats connections.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReloadQuery {
    /// End the connections of realservers that leave instead of draining them.
    pub now: bool,
}

#[derive(Clone)]
struct Shared {
    requests: mpsc::Sender<Request>,
    events: Events,
}

/// A bound control socket.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    file: SocketFile,
}

/// The socket's name in the file system; it goes when this does.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

impl Socket {
    /// Binds; a file that nobody answers at is what a killed daemon left.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        match UnixStream::connect(path) {
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another lvsd answers there")),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && is_socket(path) => {
                fs::remove_file(path)?;
            }
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
        Ok(Self { listener, file: SocketFile(path.to_owned()) })
    }

    /// Answers until `end`, and then what was asked before.
    pub async fn serve(
        self,
        requests: mpsc::Sender<Request>,
        events: Events,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let Self { listener, file: _file } = self;
        let router = Router::new()
            .route("/readyz", get(async || "ready\n"))
            .route("/v1/events", get(list_events))
            .route("/v1/reload", post(reload))
            .route("/v1/release", post(release))
            .with_state(Shared { requests, events });
        axum::serve(listener, router).with_graceful_shutdown(end).await
    }
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

async fn list_events(State(shared): State<Shared>, Query(query): Query<EventQuery>) -> Json<Vec<Event>> {
    if query.wait {
        drop(tokio::time::timeout(LONG_POLL, shared.events.wait_after(query.since)).await);
    }
    Json(shared.events.since(query.since))
}

async fn reload(
    State(shared): State<Shared>,
    Query(query): Query<ReloadQuery>,
) -> (StatusCode, Json<Verdict>) {
    shared.ask(|reply| Request::Reload { cut: query.now, reply }).await
}

async fn release(State(shared): State<Shared>) -> (StatusCode, Json<Verdict>) {
    shared.ask(|reply| Request::Release { reply }).await
}

impl Shared {
    async fn ask(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<String, Refusal>>) -> Request,
    ) -> (StatusCode, Json<Verdict>) {
        let (reply, answer) = oneshot::channel();
        let ending = || {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(Verdict { done: false, message: "the daemon is ending".into() }),
            )
        };
        if self.requests.send(request(reply)).await.is_err() {
            return ending();
        }
        match answer.await {
            Ok(Ok(message)) => (StatusCode::OK, Json(Verdict { done: true, message })),
            Ok(Err(refusal)) => {
                (StatusCode::CONFLICT, Json(Verdict { done: false, message: refusal.to_string() }))
            }
            Err(_) => ending(),
        }
    }
}
