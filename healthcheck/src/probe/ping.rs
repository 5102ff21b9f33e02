//! An ICMP echo.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::attempt::{Attempt, Finding, Found};
use super::random;
use crate::Code;
use crate::dialer::{self, Icmp};

/// Room for an answer behind the longest IPv4 header.
const ROOM: usize = 60 + 24;

/// Where an echo's identifier and its sequence number begin.
const IDENTIFIER: usize = 4;
const SEQUENCE: usize = 6;

pub(super) async fn check(attempt: &Attempt<'_>) -> Found {
    attempt
        .limit(Code::L4Timeout, "no answer", async {
            echo(attempt).await.map_err(|error| Finding::error(Code::L4Connection, &error))
        })
        .await
}

async fn echo(attempt: &Attempt<'_>) -> io::Result<Finding> {
    let random = [random(), random()].map(u64::to_ne_bytes);
    let [[high, low, ..], _] = random;
    let identifier = u16::from_be_bytes([high, low]);
    let Icmp { socket, raw } = dialer::icmp(attempt.target, attempt.origin, identifier)?;
    let echo = Echo::new(attempt.target, raw, random);
    let start = Instant::now();
    socket.send(&echo.request).await?;
    let mut buffer = [0; ROOM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if buffer.get(..length).is_some_and(|packet| echo.is_answered_by(packet)) {
            let milliseconds = start.elapsed().as_secs_f64() * 1e3;
            return Ok(Finding::new(Code::L4Ok, format!("answered after {milliseconds:.3} ms")));
        }
    }
}

/// An echo request (RFC 792, RFC 4443), and what is needed to know its answer.
///
/// ```text
///  0      1      2          4            6          8       20
/// +------+------+----------+------------+----------+-------+
/// | type | code | checksum | identifier | sequence | token |
/// +------+------+----------+------------+----------+-------+
/// ```
struct Echo {
    request: Vec<u8>,
    /// The type of the answer.
    reply: u8,
    /// Whether the IPv4 header comes before the answer.
    headed: bool,
    /// Where what must come back begins. The kernel chooses a datagram socket's identifier, and looks at it.
    echoed: usize,
}

impl Echo {
    /// All that comes back is random: who can answer has seen the request.
    fn new(target: SocketAddr, raw: bool, random: [[u8; 8]; 2]) -> Self {
        let (request, reply) = if target.is_ipv4() { (8, 0) } else { (128, 129) };
        let echoed = random.concat();
        let message = |checksum: [u8; 2]| [&[request, 0], &checksum[..], &echoed].concat();
        Self {
            request: message(checksum(&message([0, 0]))),
            reply,
            headed: raw && target.is_ipv4(),
            echoed: if raw { IDENTIFIER } else { SEQUENCE },
        }
    }

    fn is_answered_by(&self, packet: &[u8]) -> bool {
        let header = match packet.first() {
            Some(first) if self.headed => usize::from(first & 0xf) * 4,
            _ => 0,
        };
        let message = packet.get(header..).unwrap_or_default();
        message.starts_with(&[self.reply, 0]) && message.get(self.echoed..) == self.request.get(self.echoed..)
    }
}

/// The internet checksum (RFC 1071). Over IPv6 the kernel makes it, since it covers addresses there.
fn checksum(message: &[u8]) -> [u8; 2] {
    let words = message.chunks(2).map(|word| match word {
        &[high, low] => u32::from(u16::from_be_bytes([high, low])),
        word => word.iter().map(|&high| u32::from(high) << 8).sum(),
    });
    let sum = words.fold(0, |sum, word| {
        let sum = sum + word;
        (sum & 0xffff) + (sum >> 16)
    });
    let [.., high, low] = (!sum).to_be_bytes();
    [high, low]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const V4: &str = "192.0.2.1:0";
    const V6: &str = "[2001:db8::1]:0";

    #[test]
    fn an_answer_is_known_by_its_type_and_by_what_it_echoes() {
        /// Makes an answer of the request, and may spoil it.
        type Answer = fn(&mut Vec<u8>);
        // (name, target, raw, answer, is ours)
        let cases: [(&str, &str, bool, Answer, bool); 11] = [
            ("datagram", V4, false, |it| it[0] = 0, true),
            ("datagram, the kernel's identifier", V4, false, |it| (it[0], it[4]) = (0, !it[4]), true),
            ("datagram over IPv6", V6, false, |it| it[0] = 129, true),
            ("raw over IPv6", V6, true, |it| it[0] = 129, true),
            ("raw over IPv6, another identifier", V6, true, |it| (it[0], it[4]) = (129, !it[4]), false),
            ("raw", V4, true, |it| *it = [&[0x46; 24][..], &[0], &it[1..]].concat(), true),
            ("raw, cut inside the header", V4, true, |it| *it = vec![0x4f; 20], false),
            ("our own request", V4, false, |_| {}, false),
            ("another sequence", V4, false, |it| (it[0], it[7]) = (0, !it[7]), false),
            ("another token", V4, false, |it| (it[0], it[19]) = (0, !it[19]), false),
            ("empty", V4, false, Vec::clear, false),
        ];
        for (name, target, raw, answer, ours) in cases {
            let echo = Echo::new(target.parse().unwrap(), raw, [[1; 8], [2; 8]]);
            let mut packet = echo.request.clone();
            answer(&mut packet);
            assert_eq!(echo.is_answered_by(&packet), ours, "{name}");
        }
    }

    #[test]
    fn the_checksum_is_the_one_of_rfc_1071() {
        // The RFC's example sums up to ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), [!0xdd, !0xf2]);
        assert_eq!(checksum(&[0x01]), [!0x01, !0x00]);
    }

    proptest! {
        #[test]
        fn a_message_with_its_checksum_sums_up_to_nothing(random: [[u8; 8]; 2]) {
            prop_assert_eq!(checksum(&Echo::new(V4.parse().unwrap(), true, random).request), [0, 0]);
        }

        #[test]
        fn no_packet_is_answered_with_a_panic(packet: Vec<u8>, raw: bool) {
            prop_assert!(!Echo::new(V4.parse().unwrap(), raw, [[1; 8], [2; 8]]).is_answered_by(&packet));
        }
    }
}
