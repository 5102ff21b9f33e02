//! A connection that is held until it is lost.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::attempt::{Attempt, Finding, Found};
use crate::{Code, Outcome};

/// How much of what the peer sends is read and forgotten per [`PAUSE`]; its window stops what is beyond.
const MOST: usize = 16 * 1024;

const PAUSE: Duration = Duration::from_secs(1);

/// The kernel counts in whole seconds.
const SHORTEST_BEAT: Duration = Duration::from_secs(1);

pub(super) async fn check(attempt: &Attempt<'_>, held: impl FnOnce(Outcome)) -> Found {
    let connection = attempt.connect().await?;
    let lost = |error: io::Error| Finding::error(Code::L4Connection, &error);
    keep_alive(&connection, attempt.timeout).map_err(lost)?;
    held(attempt.outcome(&Finding::new(Code::L4Ok, "connected")));
    end(connection).await.map_err(lost)?;
    Err(Finding::new(Code::L4Connection, "closed by the realserver"))
}

/// Has the kernel notice a peer that vanished: it asks when it has heard nothing for a while, and gives up when
/// nothing was heard for the timeout.
fn keep_alive(connection: &TcpStream, timeout: Duration) -> io::Result<()> {
    let beat = (timeout / 3).max(SHORTEST_BEAT);
    let socket = SockRef::from(connection);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(beat).with_interval(beat))?;
    socket.set_tcp_user_timeout(Some(timeout))
}

/// Waits for the connection's end, which shows even behind what was not read yet.
async fn end(connection: TcpStream) -> io::Result<()> {
    loop {
        if connection.ready(Interest::READABLE).await?.is_read_closed() {
            return connection.take_error()?.map_or(Ok(()), Err);
        }
        match discard(&connection) {
            Ok(_) => sleep(PAUSE).await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads some of what is there. The buffer lives no longer than this: many connections are held.
fn discard(connection: &TcpStream) -> io::Result<usize> {
    connection.try_read(&mut [0; MOST])
}
