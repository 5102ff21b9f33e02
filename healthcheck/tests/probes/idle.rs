//! Connections that are held.

use std::net::SocketAddr;
use std::sync::Arc;

use healthcheck::{Check, Code, Kit, Outcome};
use tokio::sync::{Notify, oneshot};

use crate::server::{Deed, Script, accept, play};
use crate::{LONG, closed_port, monitor};

/// A server that follows a script, and ends the connection when it is told to.
async fn serve(script: Script, reset: bool) -> (SocketAddr, Arc<Notify>) {
    let end = Arc::new(Notify::new());
    let told = end.clone();
    let target = accept("127.0.0.1:0", move |mut connection| {
        let told = told.clone();
        async move {
            if reset {
                connection.set_zero_linger().unwrap();
            }
            tokio::select! {
                () = play(&mut connection, script) => told.notified().await,
                () = told.notified() => {}
            }
        }
    })
    .await;
    (target, end)
}

#[tokio::test]
async fn a_connection_is_held_until_it_is_lost() {
    // (name, what the server says, whether it resets, detail)
    let cases: [(_, Script, _, _); 4] = [
        ("closed", &[], false, "closed by the realserver"),
        ("reset", &[], true, "connection reset by peer"),
        ("closed after a greeting", &[Deed::Say("220 hello\r\n")], false, "closed by the realserver"),
        ("reset behind a flood", &[Deed::Flood("220 hello\r\n")], true, "connection reset by peer"),
    ];
    for (name, script, reset, detail) in cases {
        let (target, end) = serve(script, reset).await;
        let (held, stands) = oneshot::channel::<Outcome>();
        let check = tokio::spawn(async move {
            let monitor = monitor(Check::Idle, LONG);
            Kit::new(8).probe(target, &monitor, |outcome| held.send(outcome).unwrap()).await
        });
        let outcome = stands.await.unwrap();
        assert_eq!((outcome.code, outcome.detail.as_str()), (Code::L4Ok, "connected"), "{name}");
        assert!(!check.is_finished(), "{name}");

        end.notify_one();
        let outcome = check.await.unwrap();
        assert_eq!((outcome.code, outcome.detail.as_str()), (Code::L4Connection, detail), "{name}");
    }
}

#[tokio::test]
async fn nothing_is_held_where_nothing_connects() {
    let outcome = crate::probe(closed_port(), &monitor(Check::Idle, LONG)).await;
    assert_eq!((outcome.code, outcome.detail.as_str()), (Code::L4Connection, "connection refused"));
}
