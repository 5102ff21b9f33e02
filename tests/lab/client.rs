//! A client in any node: which realserver answers?

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::network::Node;

const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that stays open until dropped.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// Who answered first; with IPVS, who answers always.
    pub(crate) realserver: String,
}

impl Node {
    /// One request over a connection of its own: the name of the realserver that answered.
    pub(crate) fn ask(&self, server: &str) -> io::Result<String> {
        Ok(self.connect(server)?.realserver)
    }

    /// As many requests, one after the other; panics unless each is answered.
    pub(crate) fn turns(&self, server: &str, count: usize) -> Vec<String> {
        let turn =
            |_| self.ask(server).unwrap_or_else(|error| panic!("{} asks {server}: {error}", self.name()));
        (0..count).map(turn).collect()
    }

    pub(crate) fn connect(&self, server: &str) -> io::Result<Connection> {
        self.open(None, endpoint(server))
    }

    /// From one of the node's addresses, as `ADDRESS:PORT`; port 0 is any.
    pub(crate) fn connect_from(&self, from: &str, server: &str) -> io::Result<Connection> {
        self.open(Some(endpoint(from)), endpoint(server))
    }

    fn open(&self, from: Option<SocketAddr>, server: SocketAddr) -> io::Result<Connection> {
        let socket: TcpStream = self.enter(|| {
            let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
            if let Some(from) = from {
                socket.set_reuse_address(true)?;
                socket.bind(&from.into())?;
            }
            socket.connect_timeout(&server.into(), PATIENCE)?;
            io::Result::Ok(socket.into())
        })?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut connection = Connection { stream: BufReader::new(socket), realserver: String::new() };
        connection.realserver = connection.ask()?;
        Ok(connection)
    }

    /// A socket whose port stays the same for all its datagrams.
    pub(crate) fn datagrams_to(&self, server: &str) -> Datagrams {
        let server = endpoint(server);
        let socket = self.enter(|| {
            UdpSocket::bind(any(server)).and_then(|socket| {
                socket.connect(server)?;
                socket.set_read_timeout(Some(PATIENCE))?;
                Ok(socket)
            })
        });
        Datagrams(socket.unwrap_or_else(|error| panic!("a socket to {server}: {error}")))
    }
}

impl Connection {
    /// One more request on the same connection.
    pub(crate) fn ask(&mut self) -> io::Result<String> {
        self.stream.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().map_err(io::Error::other)?,
                None if line == "\r\n" => break,
                None if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(String::from_utf8_lossy(&body).trim_end().to_owned())
    }

    /// Ends it at once, without the farewells of an orderly end.
    pub(crate) fn reset(self) {
        let socket = Socket::from(self.stream.into_inner());
        socket.set_linger(Some(Duration::ZERO)).expect("an option of every socket");
    }
}

/// A client's end of UDP.
pub(crate) struct Datagrams(UdpSocket);

impl Datagrams {
    /// Sends one datagram and gives the name in the answer.
    pub(crate) fn ask(&self) -> io::Result<String> {
        let mut answer = [0; 64];
        self.0.send(b"who?")?;
        let length = self.0.recv(&mut answer)?;
        Ok(answer.iter().take(length).map(|&byte| char::from(byte)).collect())
    }
}

fn endpoint(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn any(like: SocketAddr) -> SocketAddr {
    let any = if like.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    endpoint(any)
}
