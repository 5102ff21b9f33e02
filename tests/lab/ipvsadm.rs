//! `lvsd ipvs` beside the real ipvsadm: the same bytes, the same exit status, the same effect.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is tests, which may panic")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, fs, thread};

use ipvs::{Connection, SyncDaemon, Table, Timeouts};

use crate::network::{Lab, Node};

/// Calls for one of the two programs, always by the name `ipvsadm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Ipvsadm,
    Lvsd,
}

impl Tool {
    fn command(self) -> Command {
        let mut command = Command::new(match self {
            Self::Ipvsadm => "/sbin/ipvsadm",
            Self::Lvsd => env!("CARGO_BIN_EXE_lvsd"),
        });
        command.arg0("ipvsadm").stdin(Stdio::null());
        command
    }

    /// Calls it with words that stand apart by one blank; `''` is an empty word, `~` a blank within one.
    fn call(self, node: &Node, line: &str) -> Answer {
        let mut command = self.command();
        command.args(line.split(' ').map(|word| word.replace("''", "").replace('~', " ")));
        Answer::new(node.enter(|| command.output().unwrap()))
    }

    fn restore(self, node: &Node, text: &str) -> Answer {
        let mut command = self.command();
        command.arg("-R").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = node.enter(|| command.spawn().unwrap());
        let mut input = child.stdin.take().unwrap();
        thread::scope(|scope| {
            // ipvsadm stops reading at a line that it refuses.
            scope.spawn(move || input.write_all(text.as_bytes()).ok());
            Answer::new(child.wait_with_output().unwrap())
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: Option<i32>,
    output: String,
    error: String,
}

impl Answer {
    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), output: text(output.stdout), error: text(output.stderr) }
    }

    fn of(status: i32, output: &str, error: &str) -> Self {
        Self { status: Some(status), output: output.to_owned(), error: error.to_owned() }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n{}{}", self.status, self.output, self.error)
    }
}

/// What a namespace's kernel holds.
#[derive(Debug, PartialEq, Eq)]
struct State {
    table: Table,
    timeouts: Timeouts,
    daemons: Vec<SyncDaemon>,
}

impl State {
    fn of(node: &Node) -> Self {
        node.enter(|| {
            let mut connection = Connection::open().unwrap();
            let listing = connection.list().unwrap();
            assert_eq!(listing.unknown, []);
            Self {
                table: listing.table(),
                timeouts: connection.timeouts().unwrap(),
                daemons: connection.daemons().unwrap(),
            }
        })
    }
}

/// Two machines with nothing but a loopback interface, so that names are not looked for in vain.
fn machines(lab: &Lab) -> [Node; 2] {
    ["ipvsadm", "lvsd"].map(|name| machine(lab, name))
}

fn machine(lab: &Lab, name: &str) -> Node {
    lab.node(name).address("lo", "192.0.2.10/32").address("lo", "2001:db8::10/128")
}

/// Gives each line to both, each on its own machine, and tells every difference.
fn compare(lines: &[&str]) {
    let lab = Lab::new();
    let [theirs, ours] = machines(&lab);
    let mut differences = String::new();
    for line in lines {
        let expected = Tool::Ipvsadm.call(&theirs, line);
        let answer = Tool::Lvsd.call(&ours, line);
        if answer != expected {
            differences += &format!("\n{line}\nipvsadm: {expected}lvsd: {answer}");
        }
        let (expected, state) = (State::of(&theirs), State::of(&ours));
        assert_eq!(state, expected, "{line}{differences}");
    }
    assert_eq!(differences, "");
}

#[test]
fn the_grammar() {
    compare(&[
        "-x",
        "--foo",
        "foo",
        "'' -A",
        "-- -A",
        "-nL",
        "-A",
        "-A foo",
        "-A -t",
        "-A -t 1.2.3.4:80 --scheduler",
        "-A --zzz",
        "-A --tcp 1.2.3.4:80",
        "-AD",
        "-A --ops=3",
        "-C=3",
        "-Cx",
        "-A -t 1.2.3.4:80 -u 1.2.3.4:80",
        "-A -- -t 1.2.3.4:80",
        "-A -t 1.2.3.4:80 -p -",
        "-A -t 1.2.3.4:80 -p -5",
        "-A -t 1.2.3.4:80 -ps rr",
        "-A -t 1.2.3.4:80 -s -- rr",
        "-A -t1.2.3.4:80 -p30",
        "-A -t=1.2.3.4:81 -p=30 --scheduler=",
        "-At 1.2.3.4:82 -srr -p --",
        "-Lnt1.2.3.4:80",
        "-L -6 -f 5",
        "-L -p",
        "-L -t 1.2.3.4:80 --timeout",
        "-L -c -t 1.2.3.4:80",
        "-L --timeout --daemon",
        "-L -c --stats",
        "-L --daemon --persistent-conn",
        "-C -X -n",
        "-S -y 1 -m",
        "-R foo",
        "--set --timeout",
        "--start-daemon",
        "--start-daemon foo",
        "--stop-daemon foo",
        "--start-daemon master --stop-daemon backup",
        "-v foo",
        "--version=3",
    ]);
}

#[test]
fn services() {
    compare(&[
        "-A -t 1.2.3.4",
        "-A -t 1.2.3.4:0",
        "-A -t 1234",
        "-A -t :80",
        "-A -t [1.2.3.4]:81",
        "-A -t [::1]",
        "-A -t [fe80::1%lo]:80",
        "-A -t 1.2.3.4:65536",
        "-A -t 1.2.3.4:nosuch",
        "-A -t 256.1.1.1:80",
        "-A -t 08.1.1.1:80",
        "-A -t ~1.2.3.5:80",
        "-A -t 1.2.3.4:80",
        "-A -t 1.2.3.4:80",
        "-A -t 1.2.3.4:+80 -s rr",
        "-A -t 1.2:http",
        "-A -t 010.0x7f.1:80",
        "-A -t 1.2.3.6~x:80 -s rr",
        "-A -t localhost:domain",
        "-A -t ::1 -p",
        "-A -t [2001:db8::5]:80 -p 120 -M 64foo",
        "-A -t [::1:2]:80",
        "-A -t 224.0.0.1:80",
        "-A -u 1.2.3.4:domain -o",
        "-A -t 1.2.3.4:83 -o",
        "-A --sctp-service 1.2.3.4:9899",
        "-A -f 0",
        "-A -f 4294967296",
        "-A -6 -f 5",
        "-A -f 5 -o",
        "-A -f ~6 -6 -M 48 -p",
        "-A -f 4294967295",
        "-A -f 4294967295 -s rr",
        "-A -M 255.255.0.0 -p 5 -t [2001:db8::7]:80",
        "-A -M 255.255.0.0 -p 5 -t 1.2.3.9:80",
        "-A -t 1.2.4.1:80 -M 255.0.255.0 -p 7",
        "-A -t 1.2.4.2:80 -M 24 -p 7",
        "-A -t 1.2.4.3:80 -M 0.0.0.0 -p 7",
        "-A -t 1.2.4.4:80 -M nosuch. -p 7",
        "-A -t 1.2.4.8:80 -M 255.0.0.0",
        "-A -t [2001:db8::8]:80 -M 0",
        "-A -t [2001:db8::8]:80 -M 129",
        "-A -t 1.2.5.1:80 -p 0",
        "-A -t 1.2.5.1:80 -p 2678401",
        "-A -t 1.2.5.1:80 -p 2678400",
        "-A -t 1.2.5.2:80 -s nosuch",
        "-A -t 1.2.5.2:80 -s ../rr",
        "-A -t 1.2.5.2:80 -s abcdefghijklmnopqr",
        "-A -t 1.2.5.3:80 -s none",
        "-A -u 1.2.5.4:5060 -p 60 --pe sip",
        "-A -u 1.2.5.5:5060 -p 60 --pe nosuch",
        "-A -t 1.2.6.1:80 -b ''",
        "-A -t 1.2.6.2:80 -b flag-1,,flag-3",
        "-A -t 1.2.6.3:80 -b flag-4",
        "-A -t 1.2.6.3:80 -b sh-port",
        "-A -t 1.2.6.3:80 -b sh-port -s mh",
        "-A -t 1.2.6.3:80 -b sh-port,sh-fallback -s sh",
        "-A -t 1.2.6.4:80 -b mh-port,flag-3 -s mh",
        "-E -t 1.2.3.4:80 -s sh -b sh-port -p 50",
        "-E -t 1.2.3.4:80",
        "-E -t 9.9.9.9:80",
        "-E -t 1.2.3.4:80 -s nosuch",
        "-Z -t 1.2.3.4:80",
        "-Z -t 9.9.9.9:80",
        "-Z",
        "-D -t 9.9.9.9:80",
        "-D -f 5 -6",
        "-D -f 5",
        "-D -t 1.2.3.4:80",
        "-Z -f 5",
        "-L -f 5",
        "-C",
        "-D -t 1.2.3.4:80",
    ]);
}

#[test]
fn destinations() {
    compare(&[
        "-a -t 1.2.3.4:80 -r 10.0.0.1",
        "-A -t 1.2.3.4:80",
        "-A -t 1.2.3.5 -p",
        "-A -f 5",
        "-A -f 6 -6",
        "-A -t [2001:db8::1]:80",
        "-a -t 1.2.3.4:80",
        "-a -r 10.0.0.1",
        "-a -t 1.2.3.4:80 -r 10.0.0.1",
        "-a -t 1.2.3.4:80 -r 10.0.0.1:8080",
        "-a -t 1.2.3.4:80 -r 10.0.0.2:8080 -m",
        "-a -t 1.2.3.4:80 -r 10.0.0.3:domain -m -w 0",
        "-a -r 10.0.0.4 -t 1.2.3.4:80 -m",
        "-a -r 10.0.0.5:http -t 1.2.3.4:80 -m",
        "-a -t 1.2.3.4:80 -r 10.0.0.5 -w 2147483647 -x 2147483647 -y 2147483647",
        "-a -t 1.2.3.4:80 -r 10.0.0.6 -w 2147483648",
        "-a -t 1.2.3.4:80 -r 10.0.0.6 -x -1",
        "-a -t 1.2.3.4:80 -r 10.0.0.6 -x 2147483648",
        "-a -t 1.2.3.4:80 -r 10.0.0.6 -x 5 -y 6",
        "-a -t 1.2.3.4:80 -r 10.0.0.6 -g -m",
        "-a -t 1.2.3.4:80 -r 224.0.0.1 -m",
        "-a -t 1.2.3.4:80 -r 0.0.0.0 -m",
        "-a -t 1.2.3.4:80 -r 2001:db8::8",
        "-a -t 1.2.3.4:80 -r 2001:db8::8 -i",
        "-a -t 1.2.3.5 -r 10.0.0.2:80 -m",
        "-a -t 1.2.3.5 -r 10.0.0.3:80",
        "-a -f 5 -r 10.0.0.1",
        "-a -f 5 -r 10.0.0.2:http -m",
        "-a -f 6 -r 2001:db8::8 -m",
        "-a -f 6 -r 2001:db8::8 -m -6",
        "-a -f 6 -6 -r 10.0.0.2:80 -i",
        "-a -t [2001:db8::1]:80 -r [2001:db8:1::1]",
        "-a -t [2001:db8::1]:80 -r 2001:db8:1::1",
        "-a -t [2001:db8::1]:80 -r fe80::1 -m",
        "-a -f 5 -r 10.0.1.1 --tun-type ipip",
        "-a -f 5 -r 10.0.1.1 -i --tun-type foo",
        "-a -f 5 -r 10.0.1.1 -i --tun-port 7",
        "-a -f 5 -r 10.0.1.1 -i --tun-nocsum --tun-csum",
        "-a -f 5 -r 10.0.1.1 -i --tun-type ipip",
        "-a -f 5 -r 10.0.1.2 -i --tun-type gue",
        "-a -f 5 -r 10.0.1.2 -i --tun-type gue --tun-port 0",
        "-a -f 5 -r 10.0.1.2 -i --tun-type gue --tun-port 80 --tun-csum --tun-nocsum",
        "-a -f 5 -r 10.0.1.2 -i --tun-type gue --tun-port 6080",
        "-a -f 5 -r 10.0.1.3 -i --tun-type gue --tun-port 6080 --tun-csum",
        "-a -f 5 -r 10.0.1.4 -i --tun-type gue --tun-port 6080 --tun-remcsum",
        "-a -f 5 -r 10.0.1.5 -i --tun-type gre --tun-remcsum",
        "-a -f 5 -r 10.0.1.5 -i --tun-type gre",
        "-a -f 5 -r 10.0.1.6 -i --tun-type gre --tun-csum",
        "-e -f 5 -r 10.0.1.6 -i --tun-type gre -w 3",
        "-e -f 5 -r 10.0.1.4",
        "-e -t 1.2.3.4:80 -r 10.0.0.2:8080",
        "-e -t 1.2.3.4:80 -r 10.0.0.2:8080 -m -w 7 -x 9 -y 3",
        "-e -t 1.2.3.4:81 -r 10.0.0.2:8080 -m",
        "-d -t 1.2.3.4:80 -r 10.0.0.2",
        "-d -t 1.2.3.4:80 -r 10.0.0.2:8080",
        "-d -t 1.2.3.4:80 -r 2001:db8::8",
        "-d -f 6 -r 10.0.0.2:80",
        "-d -f 6 -6 -r 10.0.0.2:80",
    ]);
}

#[test]
fn timeouts_and_daemons() {
    compare(&[
        "--set 1 2",
        "--set 1 2 3 4",
        "--set -1 2 3",
        "--set 1 2 2678401",
        "--set foo 2 3",
        "--set 10 20 30",
        "--set 0 25 0",
        "-L --timeout",
        "--set 2678400 2678400 2678400",
        "-L --daemon",
        "--stop-daemon master",
        "--start-daemon master --mcast-interface eth9",
        "--start-daemon master --mcast-interface abcdefghijklmnopqrstuvwxyz",
        "--start-daemon backup --syncid 256",
        "--start-daemon backup --sync-maxlen 0",
        "--start-daemon backup --mcast-port 65536",
        "--start-daemon backup --mcast-ttl 0",
        "--start-daemon backup --mcast-group 10.0.0.1",
        "--start-daemon backup --mcast-group fe80::1",
        "--start-daemon=master --mcast-interface lo --syncid 7",
        "--start-daemon master --mcast-interface lo",
        "--start-daemon backup --mcast-interface lo --sync-maxlen 65507 --mcast-ttl 255 --mcast-port 65535 \
         --mcast-group 239.1.2.3",
        "-L --daemon",
        "--stop-daemon master --syncid 9",
        "-Ln --daemon",
        "--stop-daemon backup",
        "-L --daemon",
    ]);
}

const TABLE: &str = "\
-A -t 192.0.2.10:80 -s rr
-a -t 192.0.2.10:80 -r 127.0.0.1:8080 -m -w 5
-a -t 192.0.2.10:80 -r 10.0.0.2 -g -w 0
-a -t 192.0.2.10:80 -r 172.16.0.2 -i -w 0
-a -t 192.0.2.10:80 -r 192.168.0.2:81 -m -w 0
-a -t 192.0.2.10:80 -r 100.64.0.2 -g -w 0
-A -t 192.0.2.10:81 -s wlc -p 3600 -M 255.255.0.0 -b flag-1,flag-3
-a -t 192.0.2.10:81 -r 127.0.0.1:8080 -m -w 2147483647
-A -u 192.0.2.10:53 -s wrr -o
-a -u 192.0.2.10:53 -r 127.0.0.1:5353 -m
-A -u 192.0.2.10:5353 -s wrr
-a -u 192.0.2.10:5353 -r 127.0.0.1:5353 -m
-A -u 192.0.2.10:5060 -s rr -p 60 --pe sip
-a -u 192.0.2.10:5060 -r 127.0.0.1:5060 -m
-A --sctp-service 192.0.2.10:9899 -s sh -b sh-port,sh-fallback
-A -t [2001:db8::10]:80 -s mh -p 360000 -M 64 -b mh-fallback,mh-port
-a -t [2001:db8::10]:80 -r ::1 -m
-a -t [2001:db8::10]:80 -r 10.0.0.2 -i -w 0
-A -t [8000::1]:80 -s dh
-A -t [::1.2.3.4]:80 -s lblc
-A -t 10.0.0.1:80 -s lc
-A -t 172.16.0.1:80 -s lc
-A -t 100.64.0.1:80 -s lc
-A -f 5 -s sed -p 77
-a -f 5 -r 10.0.0.1 -i --tun-type gue --tun-port 65535 --tun-remcsum
-a -f 5 -r 10.0.0.2 -i -w 3 --tun-type gue --tun-port 1 --tun-csum
-a -f 5 -r 10.0.0.3 -i --tun-type gre
-a -f 5 -r 10.0.0.4 -i --tun-type gre --tun-csum
-a -f 5 -r 10.0.0.5:http -m
-A -f 6 -6 -s nq
-a -f 6 -6 -r 2001:db8::2 -g
";

/// Sockets on a machine's own addresses: IPVS takes what it sends to itself, too.
struct Traffic {
    _servers: [TcpListener; 2],
    _clients: [TcpStream; 3],
    _datagrams: UdpSocket,
}

impl Traffic {
    fn start(node: &Node) -> Self {
        node.enter(|| {
            let servers = ["127.0.0.1:8080", "[::1]:80"].map(|at| TcpListener::bind(at).unwrap());
            let clients = ["192.0.2.10:80", "192.0.2.10:81", "[2001:db8::10]:80"].map(|at| {
                let mut client = TcpStream::connect(at).unwrap();
                client.write_all(&[0; 1000]).unwrap();
                client
            });
            let datagrams = UdpSocket::bind("192.0.2.10:0").unwrap();
            for at in ["192.0.2.10:53", "192.0.2.10:5353"] {
                // Nobody listens, which the second one may hear from the first.
                let _ = datagrams.send_to(b"hello", at);
            }
            let call =
                b"INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 1.1.1.1\r\nCall-ID: abc-123@example.org\r\n\r\n";
            let _ = datagrams.send_to(call, "192.0.2.10:5060");
            Self { _servers: servers, _clients: clients, _datagrams: datagrams }
        })
    }
}

/// The kernel counts and clocks go on between the two calls, so they may have to be made again.
fn assert_same_listing(node: &Node, line: &str) {
    let mut answers = Vec::new();
    for _ in 0..10 {
        let expected = Tool::Ipvsadm.call(node, line);
        let answer = Tool::Lvsd.call(node, line);
        if answer == expected {
            return;
        }
        answers = vec![expected, answer];
    }
    panic!("{line}\nipvsadm: {}\nlvsd: {}", answers[0], answers[1]);
}

#[test]
fn listings() {
    let lab = Lab::new();
    let node = machine(&lab, "director");
    node.run(["modprobe", "ip_vs_pe_sip"]);
    assert_eq!(Tool::Lvsd.restore(&node, TABLE), Answer::of(0, "", ""));
    let _traffic = Traffic::start(&node);
    // Counters move every two seconds.
    thread::sleep(Duration::from_secs(5));

    let stats = Tool::Lvsd.call(&node, "-Ln --stats -t 192.0.2.10:81").output;
    assert!(
        stats.lines().last().unwrap().contains("127.0.0.1:8080                      1        "),
        "{stats}"
    );
    let connections = Tool::Lvsd.call(&node, "-Lnc --persistent-conn").output;
    for sign in ["ESTABLISHED", "ASSURED", "UDP ", "[2001:db8::]:0", "abc-123@example.org"] {
        assert!(connections.contains(sign), "no {sign} in\n{connections}");
    }

    for subject in
        ["", " -t 192.0.2.10:80", " -u 192.0.2.10:53", " -t [2001:db8::10]:80", " -f 5", " -f 6 -6"]
    {
        for columns in ["", " --stats", " --rate", " --thresholds", " --persistent-conn", " --tun-info"] {
            assert_same_listing(&node, &format!("-Ln{subject}{columns}"));
        }
    }
    for line in [
        "-L",
        "-l --nosort --sort",
        "-Ln --nosort",
        "-L --nosort -u 192.0.2.10:5060",
        "-Ln --stats -X",
        "-Ln --rate --exact",
        "-Ln --stats --rate --thresholds",
        "-Ln --thresholds --persistent-conn --tun-info",
        "-Ln --syncid 3",
        "-L --stats",
        "-Lnc",
        "-Lc",
        "-Lnc --persistent-conn",
        "-Lc --persistent-conn",
        "-Lc -f 5",
        "-L -f 6",
        "-L --timeout",
        "-L --daemon",
        "-S",
        "-Sn",
        "-v",
    ] {
        // `-S` without `-n` differs for IPv6 hosts that have a name; these have none.
        assert_same_listing(&node, line);
    }
    let bare = |tool: Tool| Answer::new(node.enter(|| tool.command().output().unwrap()));
    assert_eq!(bare(Tool::Lvsd), bare(Tool::Ipvsadm));
}

#[test]
fn each_reads_what_the_other_saves() {
    let lab = Lab::new();
    let [theirs, ours] = machines(&lab);
    let again = machine(&lab, "again");
    theirs.run(["modprobe", "ip_vs_pe_sip"]);

    let script: String = TABLE.lines().map(|line| format!("  ipvsadm\t{line} \r\n\n")).collect();
    assert_eq!(Tool::Ipvsadm.restore(&theirs, &script), Answer::of(0, "", ""));
    let saved = Tool::Ipvsadm.call(&theirs, "-Sn").output;
    assert_eq!(Tool::Lvsd.restore(&ours, &saved), Answer::of(0, "", ""));
    assert_eq!(State::of(&ours), State::of(&theirs));

    let saved = Tool::Lvsd.call(&ours, "-Sn").output;
    assert_eq!(Tool::Ipvsadm.restore(&again, &saved), Answer::of(0, "", ""));
    assert_eq!(State::of(&again), State::of(&theirs));
}

/// The rows of `docs/ipvsadm.md`.
mod differences {
    use super::*;

    #[test]
    fn a_restored_file_with_a_mistake_changes_nothing() {
        let lab = Lab::new();
        let [theirs, ours] = machines(&lab);
        let text = "-A -t 1.2.3.4:80\n-A -t 1.2.3.4:81 -Z\n-A -t 1.2.3.4:82\n# comment\n";
        assert_eq!(Tool::Ipvsadm.restore(&theirs, text), Answer::of(2, "", "invalid option `-Z'\n"));
        assert_eq!(State::of(&theirs).table.len(), 1);
        let told = "line 2: invalid option `-Z'\n\
                    line 4: Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n\
                    nothing has been changed\n";
        assert_eq!(Tool::Lvsd.restore(&ours, text), Answer::of(2, "", told));
        assert_eq!(State::of(&ours).table.len(), 0);
    }

    #[test]
    fn a_refused_line_of_a_restored_file_is_named_and_fails_the_whole() {
        let lab = Lab::new();
        let [theirs, ours] = machines(&lab);
        let text = "-A -t 1.2.3.4:80\n-A -t 1.2.3.4:80\n--set 10 20 30\n-a -t 1.2.3.4:81 -r 10.0.0.1\n\
                    -Z -t 1.2.3.4:82\n-a -t 1.2.3.4:80 -r 10.0.0.1\n";
        let told = "Service already exists\nService not defined\nNo such service\n";
        assert_eq!(Tool::Ipvsadm.restore(&theirs, text), Answer::of(0, "", told));
        let told = "line 2: Service already exists\nline 4: Service not defined\nline 5: No such service\n";
        assert_eq!(Tool::Lvsd.restore(&ours, text), Answer::of(255, "", told));
        assert_eq!(State::of(&ours), State::of(&theirs));
    }

    #[test]
    fn large_marks_and_thresholds_are_saved() {
        let lab = Lab::new();
        let [theirs, ours] = machines(&lab);
        let table = "-A -f 4294967295 -s rr\n-a -f 4294967295 -r 10.0.0.1:80 -m -w 1 -x 9 -y 3\n";
        for node in [&theirs, &ours] {
            assert_eq!(Tool::Lvsd.restore(node, table), Answer::of(0, "", ""));
        }
        let theirs = Tool::Ipvsadm.call(&theirs, "-Sn").output;
        assert_eq!(theirs, "-A -f -1 -s rr\n-a -f -1 -r 10.0.0.1:80 -m -w 1\n");
        assert_eq!(Tool::Lvsd.call(&ours, "-Sn"), Answer::of(0, table, ""));
        let listing = Tool::Lvsd.call(&ours, "-Ln -f 4294967295").output;
        assert!(listing.contains("\nFWM  4294967295 rr\n"), "{listing}");
    }

    #[test]
    fn what_ipvs_would_misread_is_refused() {
        let lab = Lab::new();
        let [theirs, ours] = machines(&lab);
        let rows = [
            (
                "-A -t [::ffff:1.2.3.4]:80",
                "::ffff:1.2.3.4 is an IPv4 address in IPv6 form; write it as IPv4\n",
            ),
            (
                "-A -u 1.2.3.4:5060 --pe sip",
                "a persistence engine is only for persistent virtual services: --pe needs -p\n",
            ),
        ];
        theirs.run(["modprobe", "ip_vs_pe_sip"]);
        for (line, told) in rows {
            assert_eq!(Tool::Ipvsadm.call(&theirs, line), Answer::of(0, "", ""));
            assert_eq!(Tool::Lvsd.call(&ours, line), Answer::of(2, "", told));
        }
    }

    #[test]
    fn zeroing_the_service_of_every_address_zeroes_nothing_else() {
        let lab = Lab::new();
        let [theirs, ours] = machines(&lab);
        assert_eq!(Tool::Ipvsadm.call(&theirs, "-Z -t 0.0.0.0"), Answer::of(0, "", ""));
        assert_eq!(Tool::Lvsd.call(&ours, "-Z -t 0.0.0.0"), Answer::of(255, "", "No such service\n"));
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let lab = Lab::new();
        let node = machine(&lab, "director");
        let mut command = Tool::Lvsd.command();
        command.arg("-Ln").stdout(fs::File::create("/dev/full").unwrap());
        let answer = Answer::new(node.enter(|| command.output().unwrap()));
        assert_eq!(answer, Answer::of(1, "", "cannot write: No space left on device (os error 28)\n"));
    }
}

#[test]
fn without_privileges() {
    let lab = Lab::new();
    let node = machine(&lab, "director");
    for line in ["-Ln", "-C", "-A -t 1.2.3.4:80"] {
        let call = |tool: Tool| {
            let mut command = tool.command();
            command.args(line.split(' ')).uid(65534).gid(65534);
            Answer::new(node.enter(|| command.output().unwrap()))
        };
        assert_eq!(call(Tool::Lvsd), call(Tool::Ipvsadm), "{line}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let lab = Lab::new();
    let node = machine(&lab, "director");
    assert_eq!(Tool::Lvsd.restore(&node, TABLE), Answer::of(0, "", ""));
    let mut command = Tool::Lvsd.command();
    command.arg("-Ln").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = node.enter(|| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).spawn().unwrap()
    });
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((child.wait().unwrap().code(), error.as_str()), (Some(141), ""));
}

#[test]
fn ten_thousand_lines_are_restored_in_one_go() {
    let lab = Lab::new();
    let [theirs, ours] = machines(&lab);
    let mut text = String::new();
    for service in 0..100 {
        text += &format!("-A -t 192.0.2.{service}:80 -s rr\n");
        for destination in 0..100 {
            text += &format!("-a -t 192.0.2.{service}:80 -r 10.0.{service}.{destination}:8080 -m -w 1\n");
        }
    }
    let time = |tool: Tool, node| {
        let start = Instant::now();
        assert_eq!(tool.restore(node, &text), Answer::of(0, "", ""));
        start.elapsed()
    };
    let ours_took = time(Tool::Lvsd, &ours);
    let theirs_took = time(Tool::Ipvsadm, &theirs);
    println!("ipvsadm {theirs_took:?}, lvsd {ours_took:?}");
    assert!(ours_took * 2 < theirs_took, "ipvsadm {theirs_took:?}, lvsd {ours_took:?}");
    assert_eq!(State::of(&ours), State::of(&theirs));
    assert_eq!(Tool::Lvsd.call(&ours, "-Sn"), Answer::of(0, &text, ""));
}
