//! Serving HTTP to clients of whom some are slow, hostile, or many.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;

/// How large the head of a request may be, in bytes.
const HEAD: usize = 16 * 1024;

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at a time; more wait in the kernel's backlog.
    pub(super) connections: usize,
    /// From a connection's start to the end of its request's head.
    pub(super) head: Duration,
    /// From a connection's start to the last byte of its answer, taken by the client. Absent: no limit.
    pub(super) whole: Option<Duration>,
}

/// Answers until `end`, and then what was asked before. A connection carries one request, so that its limits are
/// the request's.
pub(super) async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    limits: Limits,
    end: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(HEAD).keep_alive(false);
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await.0)
        };
        let (place, stream) = tokio::select! {
            () = &mut end => break,
            next = next => next,
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let whole = limits.whole.unwrap_or(Duration::MAX);
            // A client that went away, or was cut, has nobody to be told about.
            drop(tokio::time::timeout(whole, connection).await);
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}
