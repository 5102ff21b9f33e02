//! What a monitor asks of a realserver, and what it expects to hear: data that the file gives and a probe obeys.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a realserver is watched. A service has none, which must be said, one, or several that all must pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Monitor {
    /// What is asked.
    pub check: Check,
    /// Where, if not at the realserver's own address.
    pub address: Option<IpAddr>,
    /// Where, if not at the realserver's own port.
    pub port: Option<u16>,
    /// From where.
    pub origin: Origin,
    /// How long a whole check may take, from its start to the last byte of the answer.
    pub timeout: Duration,
    /// How often, and what it takes to believe the results.
    pub pace: Pace,
}

impl Monitor {
    /// Where the check of a realserver goes.
    #[must_use]
    pub fn target(&self, realserver: SocketAddr) -> SocketAddr {
        SocketAddr::new(
            self.address.unwrap_or_else(|| realserver.ip()),
            self.port.unwrap_or_else(|| realserver.port()),
        )
    }
}

/// Where a check comes from; the kernel chooses what is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The source address.
    pub address: Option<IpAddr>,
    /// The interface, as `SO_BINDTODEVICE` has it.
    pub interface: Option<String>,
}

/// How often a check is made, and how many equal results it takes to change the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// From one start to the next, as long as the verdict stands.
    pub interval: Duration,
    /// The same while the last result contradicts the verdict, or there is none yet.
    pub fast_interval: Duration,
    /// The same while the verdict is down.
    pub down_interval: Duration,
    /// How many passes in a row bring a realserver up.
    pub rise: NonZeroU32,
    /// How many failures in a row take it down.
    pub fall: NonZeroU32,
}

/// What is asked, and what counts as a pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// A connection.
    Tcp,
    /// A TLS handshake.
    Tls(Tls),
    /// An HTTP request, over TLS for https.
    Http(Box<Http>),
    /// A datagram that must be answered, if a reply is expected, and must not meet an ICMP error.
    Udp(Udp),
    /// An ICMP echo.
    Ping,
    /// A DNS query.
    Dns(Dns),
    /// A greeting and an EHLO or HELO.
    Smtp(Smtp),
    /// A program in the manner of mon's monitors.
    Exec(Exec),
    /// A connection that is held, whose loss is noticed at once.
    Idle,
}

impl Check {
    /// The word that stands for it in the file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls(_) => "tls",
            Self::Http(http) if http.tls.is_some() => "https",
            Self::Http(_) => "http",
            Self::Udp(_) => "udp",
            Self::Ping => "ping",
            Self::Dns(_) => "dns",
            Self::Smtp(_) => "smtp",
            Self::Exec(_) => "exec",
            Self::Idle => "idle",
        }
    }
}

/// How a realserver proves who it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tls {
    /// The name that is asked for (server name indication, RFC 6066) and that the certificate must have; absent: the
    /// realserver's address.
    pub server_name: Option<String>,
    /// Whose certificates are believed.
    pub trust: Trust,
}

/// Whose certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Those of the authorities that this machine trusts.
    System,
    /// Those of the authorities in this PEM file.
    Authorities(PathBuf),
    /// Anybody's: neither chain nor name nor dates are looked at.
    Anybody,
}

/// An HTTP request and its expected answer (RFC 9110, RFC 9112). Redirections are answers, and not followed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Http {
    /// Present for https.
    pub tls: Option<Tls>,
    /// The protocol's version.
    pub version: HttpVersion,
    /// The method, as it is sent.
    pub method: String,
    /// The path with its query, as it is sent; it begins with a slash.
    pub path: String,
    /// The Host header; absent: the realserver's address, and its port unless it is the scheme's own.
    pub host: Option<String>,
    /// More headers, in this order.
    pub headers: Vec<(String, String)>,
    /// Basic authentication (RFC 7617).
    pub credentials: Option<Credentials>,
    /// The statuses that pass.
    pub statuses: Statuses,
    /// What the body must have.
    pub body: Option<Expected>,
    /// How much of the body is read, in bytes. What is beyond is not waited for; a body that must have something
    /// must have it before.
    pub max_body: usize,
}

/// The version of HTTP that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1, with `Connection: close`.
    Http11,
}

/// A user and a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// HTTP statuses, as ranges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statuses(pub Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Whether a status is one of them.
    #[must_use]
    pub fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for Statuses {
    /// 200 to 399: the server can serve, and a redirection is what it may have been set up to give.
    fn default() -> Self {
        Self(vec![200..=399])
    }
}

/// What an answer must have.
#[derive(Clone, Debug)]
pub enum Expected {
    /// These bytes, somewhere.
    Contains(Vec<u8>),
    /// A match of this expression, somewhere.
    Matches(Arc<regex::bytes::Regex>),
}

impl Expected {
    /// Whether an answer has it.
    #[must_use]
    pub fn is_in(&self, answer: &[u8]) -> bool {
        match self {
            Self::Contains(bytes) => {
                bytes.is_empty() || answer.windows(bytes.len()).any(|window| window == bytes.as_slice())
            }
            Self::Matches(regex) => regex.is_match(answer),
        }
    }

    fn key(&self) -> (bool, &[u8]) {
        match self {
            Self::Contains(bytes) => (false, bytes),
            Self::Matches(regex) => (true, regex.as_str().as_bytes()),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(bytes) => write!(f, "\"{}\"", String::from_utf8_lossy(bytes).escape_debug()),
            Self::Matches(regex) => write!(f, "match of {regex}"),
        }
    }
}

impl PartialEq for Expected {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Expected {}

impl std::hash::Hash for Expected {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// A datagram and its expected answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Udp {
    /// What is sent.
    pub payload: Vec<u8>,
    /// What the answer must have. Absent: silence until the timeout is a pass, and only an ICMP error fails.
    pub reply: Option<Expected>,
}

/// A DNS query (RFC 1035) over UDP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dns {
    /// The name that is asked for.
    pub name: String,
    /// The type of the records that are asked for: its number, and how it is written.
    pub record: (u16, &'static str),
    /// The answer must hold this A or AAAA record. Absent: any answer without an error passes.
    pub address: Option<IpAddr>,
}

/// An SMTP greeting (RFC 5321).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Smtp {
    /// The name that we give ourselves in EHLO.
    pub hello: String,
}

/// A program in the manner of mon's monitors: arguments and then the host, exit status 0 for a pass, the first
/// line of its output as summary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exec {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// Its arguments before the host.
    pub arguments: Vec<String>,
    /// Whether the realserver's address is the last argument; mon's `;;` says that it is not.
    pub append_host: bool,
    /// More environment: `MON_GROUP`, `MON_SERVICE` and the like.
    pub environment: Vec<(String, String)>,
}
