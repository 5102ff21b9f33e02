//! The control socket: what the command line asks of the daemon, as HTTP over a unix socket; and the status page,
//! which shows the same over TCP and changes nothing.

mod cib;
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

use crate::director::{Destination, Refusal, Request};
use crate::serving::Said;

use serve::{Limits, serve};

pub use cib::{Committed, ExplainQuery, Form, FormQuery, ReplaceQuery, Replaced};
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

/// An operator's word for a node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeQuery {
    /// The node; none is the daemon's own.
    pub node: Option<String>,
    /// It is to give up all vips, or to take part again.
    pub standby: bool,
}

/// An operator's word for where a vip is to be.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveQuery {
    /// The vip.
    pub vip: String,
    /// Where; none is anywhere but where it is.
    pub node: Option<String>,
}

/// An operator forgives what a vip did.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanupQuery {
    /// The vip.
    pub vip: String,
    /// At which node; none is all.
    pub node: Option<String>,
}

/// An operator takes back where a vip is to be.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseQuery {
    /// The vip.
    pub vip: String,
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
            .route("/v1/node", post(order_node))
            .route("/v1/vip/move", post(move_vip))
            .route("/v1/vip/release", post(release_vip))
            .route("/v1/vip/cleanup", post(clean_up_vip))
            .merge(cib::router())
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

async fn order_node(
    State(control): State<Control>,
    Query(NodeQuery { node, standby }): Query<NodeQuery>,
) -> (StatusCode, Json<Verdict>) {
    control.ask(|reply| Request::Standby { node, standby, reply }).await
}

async fn move_vip(
    State(control): State<Control>,
    Query(MoveQuery { vip, node }): Query<MoveQuery>,
) -> (StatusCode, Json<Verdict>) {
    let to = node.map_or(Destination::Elsewhere, Destination::Node);
    control.ask(|reply| Request::Move { vip, to, reply }).await
}

async fn clean_up_vip(
    State(control): State<Control>,
    Query(CleanupQuery { vip, node }): Query<CleanupQuery>,
) -> (StatusCode, Json<Verdict>) {
    control.ask(|reply| Request::Cleanup { vip, node, reply }).await
}

async fn release_vip(
    State(control): State<Control>,
    Query(ReleaseQuery { vip }): Query<ReleaseQuery>,
) -> (StatusCode, Json<Verdict>) {
    control.ask(|reply| Request::Move { vip, to: Destination::Anywhere, reply }).await
}

impl Control {
    async fn ask(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<String, Refusal>>) -> Request,
    ) -> (StatusCode, Json<Verdict>) {
        match self.request(request).await {
            Ok(message) => (StatusCode::OK, Json(Verdict { done: true, message })),
            Err(no) => no,
        }
    }

    /// Asks for anything.
    async fn request<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Request,
    ) -> Result<T, (StatusCode, Json<Verdict>)> {
        let (reply, answer) = oneshot::channel();
        let no = |status, message| Err((status, Json(Verdict { done: false, message })));
        let ending = || no(StatusCode::SERVICE_UNAVAILABLE, "the daemon is ending".into());
        if self.requests.send(request(reply)).await.is_err() {
            return ending();
        }
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(refusal)) => no(StatusCode::CONFLICT, refusal.to_string()),
            Err(_) => ending(),
        }
    }
}
