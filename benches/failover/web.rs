//! A realserver that the directors send HTTP to by direct routing, and what they have to know of it.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::farm::VIP;
use crate::lab::network::Node;

pub(crate) const REALSERVER: &str = "192.168.71.220";

/// What lvsd's file has of it. By its address a client goes to the same realserver from every director.
pub(crate) fn service() -> String {
    format!(
        "\n[[service]]\nname = \"http\"\nvip = \"web\"\nport = 80\nscheduler = \"sh\"\nforward = \"dr\"\n\
         monitor = \"none\"\nrealservers = [\"{REALSERVER}\"]\n"
    )
}

/// The same for a director whose daemon has no table.
pub(crate) fn write_table(director: &Node) {
    let service = format!("{VIP}:80");
    director.run(["ipvsadm", "-A", "-t", &service, "-s", "sh"]);
    director.run(["ipvsadm", "-a", "-t", &service, "-r", REALSERVER, "-g"]);
}

/// A director takes over connections that another one began.
pub(crate) fn take_over_connections(director: &Node) {
    director.set_sysctl("ipv4/vs/sloppy_tcp", "1");
}

/// Answers at the vip until it is dropped, and tells nobody that it has it.
pub(crate) struct Web(Arc<AtomicBool>);

impl Web {
    pub(crate) fn start(realserver: &Node) -> Self {
        realserver.set_sysctl("ipv4/conf/all/arp_ignore", "1");
        realserver.set_sysctl("ipv4/conf/all/arp_announce", "2");
        realserver.add_address("lo", &format!("{VIP}/32"));
        let listener = realserver.enter(|| TcpListener::bind(format!("{VIP}:80"))).expect("a listener");
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                // Who goes away early is counted by the one who asked.
                thread::spawn(move || answer(stream));
            }
        });
        Self(ended)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let _ = stream.read(&mut [0; 512])?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nOK\n")
}
