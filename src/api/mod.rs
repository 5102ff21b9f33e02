//! The control socket: what the command line asks of the daemon, as HTTP over a unix socket; and the status page,
//! which shows the same over TCP and changes nothing.

mod metrics;
mod page;
mod serve;
#[cfg(test)]
mod tests;
mod view;

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, oneshot};

use crate::director::{Refusal, Request};
use crate::serving::Said;

use serve::{Limits, serve};

pub use view::{EventQuery, View};

/// Where the daemon listens when nothing says otherwise.
pub const SOCKET: &str = "/run/lvsd/lvsd.sock";

/// Whoever may connect here may do what he wants, so this only keeps mistakes small.
const LOCAL: Limits = Limits { connections: 64, head: Duration::from_secs(5), whole: None };

/// An answer may wait for events, and is then taken fast enough or not at all. With thousands of realservers it has
/// megabytes, which is what bounds the number of connections.
const REMOTE: Limits =
    Limits { connections: 16, head: Duration::from_secs(5), whole: Some(Duration::from_secs(60)) };

/// What came of a request to change something.
#[derive(Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it was done.
    pub done: bool,
    /// What was done, or why not.
    pub message: String,
}

/// How a reload treats connections.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReloadQuery {
    /// End the connections of realservers that leave instead of draining them.
    pub now: bool,
}

/// An operator's word for a realserver.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SayQuery {
    /// The service.
    pub service: String,
    /// The realserver.
    pub realserver: String,
    /// The word; none leaves it to its checks.
    pub said: Option<Said>,
}

#[derive(Clone)]
struct Control {
    requests: mpsc::Sender<Request>,
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
        view: View,
        end: impl Future<Output = ()> + Send + 'static,
    ) {
        let Self { listener, file: _file } = self;
        let control = Router::new()
            .route("/v1/reload", post(reload))
            .route("/v1/release", post(release))
            .route("/v1/realserver", post(say))
            .with_state(Control { requests });
        serve(listener, control.merge(view.router()), LOCAL, end).await;
    }
}

/// Shows the status page to the network until `end`.
pub async fn show(listener: TcpListener, view: View, end: impl Future<Output = ()>) {
    serve(listener, view.router(), REMOTE, end).await;
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

async fn reload(
    State(control): State<Control>,
    Query(query): Query<ReloadQuery>,
) -> (StatusCode, Json<Verdict>) {
    control.ask(|reply| Request::Reload { cut: query.now, reply }).await
}

async fn say(
    State(control): State<Control>,
    Query(SayQuery { service, realserver, said }): Query<SayQuery>,
) -> (StatusCode, Json<Verdict>) {
    control.ask(|reply| Request::Say { service, realserver, said, reply }).await
}

async fn release(State(control): State<Control>) -> (StatusCode, Json<Verdict>) {
    control.ask(|reply| Request::Release { reply }).await
}

impl Control {
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
