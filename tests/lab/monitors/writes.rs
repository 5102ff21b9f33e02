//! What is written to a node's IPVS table, as its kernel hears it: by whomever, and whether it changes anything or not.

use std::{
    os::fd::{AsRawFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use netlink_packet_route::link::InfoKind;
use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket, sockopt,
    },
};

use crate::network::Node;

/// The kind of an interface that hears all of a namespace's netlink (`linux/if_arp.h`).
const ARPHRD_NETLINK: u16 = 824;
/// `linux/netlink.h`, `linux/genetlink.h`.
const NETLINK_GENERIC: u16 = 16;
const NLM_F_REQUEST: u16 = 1;
const GENL_ID_CTRL: u16 = 16;
/// The commands of `linux/ip_vs.h` that change a table: new, set and delete, of services and of destinations; flush.
const WRITES: [u8; 7] = [1, 2, 3, 5, 6, 7, 17];

/// Bytes: others list what the kernel has, which it hears as well.
const ROOM: usize = 16 << 20;

/// How long it leaves what it hears to the kernel.
const MOMENT: Duration = Duration::from_millis(20);

/// Counts until it is asked.
pub(super) struct Writes {
    ended: Arc<AtomicBool>,
    listener: JoinHandle<usize>,
}

impl Writes {
    pub(super) fn of(node: &Node) -> Self {
        node.namespace().rtnl.add("netlink", InfoKind::Other("nlmon".to_owned()));
        let socket = node.enter(|| {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll)
        });
        let socket = socket.expect("a packet socket");
        setsockopt(&socket, sockopt::RcvBufForce, &ROOM).expect("room for what it hears");
        let ended = Arc::new(AtomicBool::new(false));
        let listener = thread::spawn({
            let ended = Arc::clone(&ended);
            move || listen(&socket, &ended)
        });
        Self { ended, listener }
    }

    /// How many there were.
    pub(super) fn count(self) -> usize {
        self.ended.store(true, Ordering::Relaxed);
        self.listener.join().expect("a listener does not panic")
    }
}

fn listen(socket: &OwnedFd, ended: &AtomicBool) -> usize {
    let mut datagram = vec![0; 1 << 16];
    let mut count = 0;
    loop {
        let is_last = ended.load(Ordering::Relaxed);
        loop {
            match recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut datagram) {
                Ok((length, Some(from)))
                    if from.hatype() == ARPHRD_NETLINK
                        && u16::from_be(from.protocol()) == NETLINK_GENERIC =>
                {
                    count += writes(&datagram[..length]);
                }
                Ok(_) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => panic!("netlink is not heard: {error}"),
            }
        }
        if is_last {
            return count;
        }
        thread::sleep(MOMENT);
    }
}

/// How many of a datagram's messages are writes.
fn writes(mut datagram: &[u8]) -> usize {
    let mut count = 0;
    while let [l0, l1, l2, l3, k0, k1, f0, f1, _, _, _, _, _, _, _, _, rest @ ..] = datagram {
        let (kind, flags) = (u16::from_ne_bytes([*k0, *k1]), u16::from_ne_bytes([*f0, *f1]));
        let asks = kind > GENL_ID_CTRL && flags & NLM_F_REQUEST != 0;
        count += usize::from(asks && rest.first().is_some_and(|command| WRITES.contains(command)));
        let length = u32::from_ne_bytes([*l0, *l1, *l2, *l3]).next_multiple_of(4);
        datagram = usize::try_from(length).ok().and_then(|length| datagram.get(length..)).unwrap_or_default();
    }
    count
}
