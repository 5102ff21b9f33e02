//! A server that tells its name, over HTTP and UDP: for the many realservers of a matrix, where as many
//! starts of a real server would be slow.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::Arc,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net,
    task::JoinSet,
};

use crate::{network::Node, runtime};

/// Answers until dropped; then its ports refuse and its connections are reset.
pub(crate) struct Responder {
    tasks: JoinSet<()>,
}

impl Responder {
    /// Listens at each of these, as `ADDRESS:PORT`, for both protocols. A UDP server at a wildcard would answer
    /// from its machine's own address, not from the virtual one it was asked at.
    pub(crate) fn start<S: AsRef<str>>(node: &Node, endpoints: impl IntoIterator<Item = S>) -> Self {
        let name: Arc<str> = node.name().into();
        let mut tasks = JoinSet::new();
        let _runtime = runtime().enter();
        for endpoint in endpoints {
            let endpoint: SocketAddr = endpoint.as_ref().parse().expect("an endpoint");
            let (tcp, udp) =
                node.enter(|| listen(endpoint)).unwrap_or_else(|error| panic!("{endpoint}: {error}"));
            let tcp = net::TcpListener::from_std(tcp).expect("a listener for the runtime");
            let udp = net::UdpSocket::from_std(udp).expect("a socket for the runtime");
            tasks.spawn(serve_connections(tcp, Arc::clone(&name)));
            tasks.spawn(serve_datagrams(udp, Arc::clone(&name)));
        }
        Self { tasks }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        runtime().block_on(self.tasks.shutdown());
    }
}

fn listen(endpoint: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let (tcp, udp) = (TcpListener::bind(endpoint)?, UdpSocket::bind(endpoint)?);
    tcp.set_nonblocking(true)?;
    udp.set_nonblocking(true)?;
    Ok((tcp, udp))
}

async fn serve_connections(listener: net::TcpListener, name: Arc<str>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve_connection(stream, Arc::clone(&name)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One answer for whatever arrives at once: clients here wait for the answer before they ask again.
pub(crate) async fn serve_connection(mut stream: impl AsyncRead + AsyncWrite + Unpin, name: Arc<str>) {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len());
    let mut request = [0; 2048];
    while let Ok(1..) = stream.read(&mut request).await {
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn serve_datagrams(socket: net::UdpSocket, name: Arc<str>) {
    let mut datagram = [0; 64];
    loop {
        // An answer that cannot be sent, or an ICMP error for an earlier one, ends nothing.
        if let Ok((_, from)) = socket.recv_from(&mut datagram).await {
            let _ = socket.send_to(name.as_bytes(), from).await;
        }
    }
}
