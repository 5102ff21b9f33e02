//! The realservers: one small HTTP server, in a process of its own so that its work is counted apart.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Builder;

use crate::Outcome;

/// The argument by which this program becomes the server.
pub(crate) const SERVE: &str = "serve";

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nup\n";

/// The server, which ends with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start() -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?).arg(SERVE).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { process, port: line.trim().parse()? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Serves at all addresses of this machine, and says at which port.
pub(crate) fn serve() -> Outcome<()> {
    Builder::new_current_thread().enable_io().build()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        let listener = socket.listen(4096)?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (connection, _) = listener.accept().await?;
            tokio::spawn(answer(connection));
        }
    })
}

async fn answer(mut connection: TcpStream) {
    let mut request = [0; 1024];
    // A client that goes meanwhile is none of ours.
    if connection.read(&mut request).await.is_ok_and(|length| length > 0) {
        drop(connection.write_all(ANSWER).await);
    }
}
