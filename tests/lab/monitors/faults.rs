//! Ways to fail, and what the check says of each.

use std::path::Path;

use tokio_rustls::TlsConnector;

use super::server::Deed;
use super::tls::{Authority, NAME};

/// What goes wrong.
pub(super) enum Fault {
    Does(Deed),
    /// The process ends.
    Ends,
    /// The process does not run, and its kernel goes on accepting.
    Freezes,
    /// What the machine's packet filter does; `PORT` is the one of the case.
    Filter(&'static [&'static str]),
}

/// A realserver of a service that fails in one way.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The service's keys.
    pub(super) keys: &'static str,
    pub(super) monitor: String,
    /// What it does before and after.
    pub(super) well: Deed,
    pub(super) fault: Fault,
    /// What the check finds: the code, and the words.
    pub(super) finds: (&'static str, &'static str),
    /// What its clients over TLS believe in.
    pub(super) tls: Option<TlsConnector>,
}

impl Case {
    fn new(name: &'static str, monitor: &str, fault: Fault, finds: (&'static str, &'static str)) -> Self {
        let well = Deed::Answer;
        Self { name, keys: "", monitor: monitor.to_owned(), well, fault, finds, tls: None }
    }

    fn well(self, well: Deed) -> Self {
        Self { well, ..self }
    }

    /// Whether clients ask it for pages.
    pub(super) fn is_web(&self) -> bool {
        self.monitor.starts_with("type = 'http")
    }

    fn over_udp(self) -> Self {
        Self { keys: "protocol = 'udp'", ..self }
    }
}

/// Slow enough for as many services at once.
const PACE: &str = "interval = '1s', timeout = '3s', rise = 1, fall = 2";

/// Slower: there are two realservers for each case.
const HTTP_PACE: &str = "interval = '2s', timeout = '3s', rise = 1, fall = 2";

/// A handshake is hard work for a guest.
const TLS_PACE: &str = "interval = '3s', fast_interval = '3s', timeout = '6s', rise = 1, fall = 2";

const DROP: Fault = Fault::Filter(&["meta l4proto { tcp, udp } th dport PORT drop"]);

/// What an HTTP server does wrong, and what is wrong before it is asked.
pub(super) fn of_http() -> Vec<Case> {
    let any = &format!("type = 'http', {HTTP_PACE}");
    let body = &format!("type = 'http', contains = 'rs', {HTTP_PACE}");
    let say = |answer| Fault::Does(Deed::Say(answer));
    vec![
        Case::new("stopped", any, Fault::Ends, ("L4CON", "connection refused")),
        Case::new("frozen", any, Fault::Freezes, ("L7TOUT", "no answer within 3s")),
        Case::new(
            "refused by a filter",
            any,
            Fault::Filter(&["tcp dport PORT reject with tcp reset"]),
            ("L4CON", "connection refused"),
        ),
        Case::new(
            "unreachable",
            any,
            Fault::Filter(&["tcp dport PORT reject with icmp host-unreachable"]),
            ("L4CON", "no route to host"),
        ),
        Case::new("dropped", any, DROP, ("L4TOUT", "no connection within 3s")),
        Case::new("reset", any, Fault::Does(Deed::Reset), ("L7RSP", "connection reset by peer")),
        Case::new("silent", any, Fault::Does(Deed::Hang), ("L7TOUT", "no answer within 3s")),
        Case::new(
            "status 500",
            any,
            say(b"HTTP/1.1 500 Oops\r\n\r\n"),
            ("L7STS", "status 500 Internal Server Error"),
        ),
        Case::new(
            "another body",
            body,
            say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\noops"),
            ("L7STS", "body has no \"rs\""),
        ),
        Case::new("100 MB", body, Fault::Does(Deed::Flood), ("L7STS", "body has no \"rs\"")),
        Case::new("drip", any, Fault::Does(Deed::Drip), ("L7TOUT", "no answer within 3s")),
        Case::new("garbage", any, say(b"\x00\xff\x1b[31m\r\n\r\n"), ("L7RSP", "invalid HTTP version")),
    ]
}

/// What is broken in HTTPS where HTTP is not. The authority that is believed has its file in this directory.
pub(super) fn of_tls(directory: &Path) -> Vec<Case> {
    let (ours, ca) = Authority::new("ours", directory);
    let (strangers, _) = Authority::new("theirs", directory);
    let https = &format!("type = 'https', sni = '{NAME}', ca = '{}', {TLS_PACE}", ca.display());
    let well = Deed::AnswerOver(ours.server(NAME));
    let over = |server| Fault::Does(Deed::AnswerOver(server));
    let cases = [
        Case::new(
            "expired",
            https,
            over(ours.expired_server(NAME)),
            ("L6RSP", "certificate expired 3 days ago"),
        ),
        Case::new(
            "of another name",
            https,
            over(ours.server("other.example")),
            ("L6RSP", "certificate is for other.example, not www.example"),
        ),
        Case::new("of a stranger", https, over(strangers.server(NAME)), ("L6RSP", "unknown authority")),
        Case::new(
            "no TLS",
            https,
            Fault::Does(Deed::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
            ("L6RSP", "peer does not speak TLS"),
        ),
        Case::new("no handshake", https, Fault::Does(Deed::Hang), ("L6TOUT", "no TLS handshake within 6s")),
    ];
    let over = |case: Case| Case { tls: Some(ours.believer()), ..case.well(well.clone()) };
    cases.map(over).into()
}

/// Some ways for each type of monitor.
pub(super) fn of_each_type() -> Vec<Case> {
    let [http, tcp, ping, idle, smtp] =
        &["http", "tcp", "ping", "idle", "smtp"].map(|name| format!("type = '{name}', {PACE}"));
    let dns = &format!("type = 'dns', name = 'www.example', expect = '192.0.2.1', {PACE}");
    let udp = &format!("type = 'udp', send = 'who?', contains = 'rs', {PACE}");
    let unanswered = &format!("type = 'udp', {PACE}");
    let echo: Fault = Fault::Filter(&["icmp type echo-request drop", "icmpv6 type echo-request drop"]);
    let say = |answer| Fault::Does(Deed::Say(answer));
    let greet = Deed::Greet(b"220 mail.example\r\n");
    vec![
        Case::new(
            "http",
            http,
            say(b"HTTP/1.1 500 Oops\r\n\r\n"),
            ("L7STS", "status 500 Internal Server Error"),
        ),
        Case::new("tcp stopped", tcp, Fault::Ends, ("L4CON", "connection refused")),
        Case::new("tcp dropped", tcp, DROP, ("L4TOUT", "no connection within 3s")),
        Case::new("ping", ping, echo, ("L4TOUT", "no answer within 3s")),
        Case::new("idle stopped", idle, Fault::Ends, ("L4CON", "connection refused")).well(Deed::Hang),
        Case::new("idle dropped", idle, DROP, ("L4TOUT", "no connection within 3s")).well(Deed::Hang),
        Case::new(
            "smtp busy",
            smtp,
            Fault::Does(Deed::Greet(b"421 too busy\r\n")),
            ("L7STS", "greeting refused: 421 too busy"),
        )
        .well(greet.clone()),
        Case::new(
            "smtp garbage",
            smtp,
            Fault::Does(Deed::Greet(b"SSH-2.0\r\n")),
            ("L7RSP", "not SMTP: SSH-2.0"),
        )
        .well(greet.clone()),
        Case::new("smtp silent", smtp, Fault::Does(Deed::Hang), ("L7TOUT", "no greeting within 3s"))
            .well(greet),
        Case::new("dns fails", dns, Fault::Does(Deed::Reply(server_failure)), ("L7STS", "SERVFAIL"))
            .well(Deed::Reply(address::<1>))
            .over_udp(),
        Case::new(
            "dns elsewhere",
            dns,
            Fault::Does(Deed::Reply(address::<2>)),
            ("L7STS", "answer has no 192.0.2.1"),
        )
        .well(Deed::Reply(address::<1>))
        .over_udp(),
        Case::new("dns silent", dns, Fault::Does(Deed::Hang), ("L7TOUT", "no answer within 3s"))
            .well(Deed::Reply(address::<1>))
            .over_udp(),
        Case::new("udp answers else", udp, say(b"oops"), ("L7STS", "answer has no \"rs\"")).over_udp(),
        Case::new("udp dropped", udp, DROP, ("L7TOUT", "no answer within 3s")).over_udp(),
        Case::new("udp stopped", udp, Fault::Ends, ("L4CON", "connection refused")).over_udp(),
        Case::new("udp stopped, unanswered", unanswered, Fault::Ends, ("L4CON", "connection refused"))
            .over_udp(),
    ]
}

/// The answer to a DNS query, with the address 192.0.2.N (RFC 1035).
fn address<const N: u8>(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_owned();
    // It is an answer, with one record: an A of the name that was asked for, which lives no time.
    answer[2] |= 0x80;
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, N]);
    answer
}

fn server_failure(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_owned();
    answer[2] |= 0x80;
    answer[3] |= 2;
    answer
}
