//! The latest packets of a namespace, kept raw; only a failed test pays for making them readable.

use std::{
    collections::VecDeque,
    net::Ipv6Addr,
    os::fd::{AsRawFd, OwnedFd},
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, socket};
use tokio::{io::Interest, net::UdpSocket, task::JoinHandle};

use crate::runtime;

const KEPT: usize = 50;
const SNAP_LENGTH: usize = 256;

type Records = Arc<Mutex<VecDeque<Vec<u8>>>>;

pub(super) struct Capture {
    records: Records,
    reader: JoinHandle<()>,
}

impl Capture {
    /// Listens in the namespace of the calling thread.
    pub(super) fn start() -> Self {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll)
            .expect("a packet socket");
        let records = Records::default();
        let reader = runtime().spawn(read(socket, Arc::clone(&records)));
        Self { records, reader }
    }

    /// A capture file, oldest packet first.
    pub(super) fn pcap(&self) -> Vec<u8> {
        const LINKTYPE_LINUX_SLL2: u32 = 276;
        let mut file = Vec::new();
        file.extend(0xa1b2_c3d4_u32.to_le_bytes());
        file.extend([2, 0, 4, 0]);
        file.extend([0; 8]);
        file.extend(65_535_u32.to_le_bytes());
        file.extend(LINKTYPE_LINUX_SLL2.to_le_bytes());
        let records = self.records.lock().expect("no other user panics");
        records.iter().for_each(|record| file.extend(record));
        file
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(socket: OwnedFd, records: Records) {
    // The runtime has no packet sockets; readiness is the same for all kinds.
    let socket = UdpSocket::from_std(socket.into()).expect("a socket for the runtime");
    let mut buffer = [0; SNAP_LENGTH];
    loop {
        let receive = || Ok(recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut buffer)?);
        let Ok((length, Some(from))) = socket.async_io(Interest::READABLE, receive).await else {
            continue;
        };
        let packet = buffer.get(..length).unwrap_or(&buffer);
        if is_chatter(packet) {
            continue;
        }
        let mut records = records.lock().expect("no other user panics");
        if records.len() == KEPT {
            records.pop_front();
        }
        records.push_back(record(&from, packet));
    }
}

/// What IPv6 says by itself on every interface: it would crowd out the packets of the test.
fn is_chatter(packet: &[u8]) -> bool {
    const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
    const ALL_MLD_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
    let address = |at| packet.get(at..at + 16).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    let is_ipv6 = packet.first().is_some_and(|first| first >> 4 == 6);
    let [Some(from), Some(to)] = [8, 24].map(|at| address(at).map(Ipv6Addr::from)) else {
        return false;
    };
    is_ipv6 && (from.is_unspecified() || to == ALL_ROUTERS || to == ALL_MLD_ROUTERS)
}

/// One record of a capture file: its own header, the "cooked v2" link header, the packet.
fn record(from: &LinkAddr, packet: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    let index = u32::try_from(from.ifindex()).unwrap_or_default();
    let length = u32::try_from(20 + packet.len()).unwrap_or(u32::MAX);
    let mut record = Vec::with_capacity(36 + packet.len());
    record.extend(seconds.to_le_bytes());
    record.extend(now.subsec_micros().to_le_bytes());
    record.extend(length.to_le_bytes());
    record.extend(length.to_le_bytes());
    // The kernel gives the protocol in network order, as the file wants it.
    record.extend(from.protocol().to_ne_bytes());
    record.extend([0, 0]);
    record.extend(index.to_be_bytes());
    record.extend(from.hatype().to_be_bytes());
    record.push(from.pkttype());
    record.push(6);
    record.extend(from.addr().unwrap_or_default());
    record.extend([0, 0]);
    record.extend(packet);
    record
}
