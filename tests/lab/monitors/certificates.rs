//! HTTPS that is broken where HTTP is not.

use lvsd::snapshot::RealserverState;

use super::server::{Deed, Server};
use super::tls::{Authority, NAME};
use super::{of_realserver, paced, told, until, until_realserver, watched, weights};
use crate::{
    realserver::{Forward, Realserver},
    stage::Stage,
};

/// A handshake is hard work for a guest.
const PACE: &str = "interval = '2s', timeout = '6s', rise = 1, fall = 1";

#[test]
fn only_https_loses_a_realserver_whose_certificate_is_bad() {
    let stage = Stage::new();
    let [first, second]: [Realserver; 2] = stage.realservers(Forward::Dr);
    let (authority, ca) = Authority::new("ours", stage.director.directory());
    let (strangers, _) = Authority::new("theirs", second.node.directory());
    let well = Deed::AnswerOver(authority.server(NAME));
    let _well = Server::start(&first.node, 8443, well.clone());
    let broken = Server::start(&second.node, 8443, well.clone());
    let entries = [first.toml(), second.toml()];
    let https = format!("type = 'https', sni = '{NAME}', ca = '{}', {PACE}", ca.display());
    let services =
        [watched("http", 80, "", "type = 'http'", &entries), paced("https", 8443, "", &https, &entries)];
    let director = stage.direct(&services.concat());
    for service in ["http", "https"] {
        until_realserver(&director, service, "rs2", RealserverState::Up);
    }

    let cases = [
        (Deed::AnswerOver(authority.expired_server(NAME)), "L6RSP", "certificate expired 3 days ago"),
        (
            Deed::AnswerOver(authority.server("other.example")),
            "L6RSP",
            "certificate is for other.example, not www.example",
        ),
        (Deed::AnswerOver(strangers.server(NAME)), "L6RSP", "unknown authority"),
        (Deed::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "L6RSP", "peer does not speak TLS"),
        (Deed::Hang, "L6TOUT", "no TLS handshake within 6s"),
    ];
    for (deed, code, detail) in cases {
        broken.does(deed);
        until(detail, || {
            let seen = of_realserver(&director, "https", "rs2");
            let found = seen.check.is_some_and(|check| check.code == code && check.detail == detail);
            found && seen.state == RealserverState::Down && !seen.in_kernel
        });
    }
    assert_eq!(told(&director, "https/rs2"), ["realserver_up", "realserver_down"]);
    assert_eq!(told(&director, "http/rs2"), ["realserver_up"]);
    let table = weights(&stage.director);
    assert_eq!((table["80"].len(), table["8443"].len()), (2, 1), "{table:?}");

    broken.does(well);
    until_realserver(&director, "https", "rs2", RealserverState::Up);
    assert_eq!(weights(&stage.director)["8443"].len(), 2);
}
