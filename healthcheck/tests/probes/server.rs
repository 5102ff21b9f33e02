//! Servers that do what a script says.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::sleep;

/// What a server does with a connection, one after the other; then it closes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// Waits for what the client says.
    Hear,
    Say(&'static str),
    Bytes(&'static [u8]),
    /// Says it again and again, a byte at a time.
    Drip(&'static str),
    /// Says it again and again, as fast as it can.
    Flood(&'static str),
    /// Does nothing any more.
    Hang,
    /// Closes with a reset.
    Reset,
}

pub(crate) type Script = &'static [Deed];

/// A server that follows a script with every connection.
pub(crate) async fn serve(script: Script) -> SocketAddr {
    serve_on("127.0.0.1:0", script).await
}

pub(crate) async fn serve_on(address: &str, script: Script) -> SocketAddr {
    accept(address, move |mut connection| async move {
        if script.iter().any(|deed| matches!(deed, Deed::Reset)) {
            connection.set_zero_linger().unwrap();
        }
        play(&mut connection, script).await;
    })
    .await
}

/// A server that does something of its own with every connection.
pub(crate) async fn accept<F>(address: &str, each: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(each(connection));
        }
    });
    address
}

/// Follows a script until it is through or the client is gone.
pub(crate) async fn play(connection: &mut (impl AsyncRead + AsyncWrite + Unpin), script: Script) {
    for deed in script {
        let done = match *deed {
            Deed::Hear => connection.read(&mut [0; 4096]).await.map(drop),
            Deed::Say(text) => connection.write_all(text.as_bytes()).await,
            Deed::Bytes(bytes) => connection.write_all(bytes).await,
            Deed::Drip(text) => loop {
                for byte in text.bytes() {
                    if connection.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            },
            Deed::Flood(text) => {
                let many = text.repeat(1 + 16384 / text.len());
                while connection.write_all(many.as_bytes()).await.is_ok() {}
                return;
            }
            Deed::Hang => std::future::pending().await,
            Deed::Reset => Ok(()),
        };
        if done.is_err() {
            return;
        }
    }
    let _ = connection.flush().await;
}

/// A server that answers a datagram with others.
pub(crate) async fn answer(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            for answer in answers(&buffer[..length]) {
                let _ = socket.send_to(&answer, client).await;
            }
        }
    });
    address
}
