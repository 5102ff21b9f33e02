//! Datagrams that claim to come from another director.

use failover::keys::{Mac, Method};
use failover::wire::{Body, Unverified, encode};

/// Reads `datagram` as it is and as if its sender had signed it; what can be read then is written in the same
/// way again. Says whether it could be.
pub fn check(datagram: &[u8]) -> bool {
    let mac = Mac::new(Method::Sha256, b"secret");
    if let Ok(unverified) = Unverified::parse(datagram) {
        let _ = unverified.verify(&mac);
    }

    let signed = [datagram, &mac.sign(datagram)].concat();
    let Ok(unverified) = Unverified::parse(&signed) else { return false };
    let Ok(verified) = unverified.verify(&mac) else { return false };
    let Ok(body) = verified.body() else { return false };
    let body = match &body {
        Body::Hello(hello) => Body::Hello(*hello),
        Body::Message(message) => Body::Message(message),
        Body::Page(page) => Body::Page(page),
    };
    assert_eq!(encode(verified.header(), &body, &mac), signed, "{body:?}");
    true
}
