//! `lvsd ipvs` beside the real ipvsadm: the same bytes, the same exit status, the same effect.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of it is tests, which may panic")]

mod commands;
mod differences;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, thread};

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

    let script = TABLE.replace("-A ", "  ipvsadm\t-A ").replace('\n', " \r\n\n");
    assert_eq!(Tool::Ipvsadm.restore(&theirs, &script), Answer::of(0, "", ""));
    let saved = Tool::Ipvsadm.call(&theirs, "-Sn").output;
    assert_eq!(Tool::Lvsd.restore(&ours, &saved), Answer::of(0, "", ""));
    assert_eq!(State::of(&ours), State::of(&theirs));

    let saved = Tool::Lvsd.call(&ours, "-Sn").output;
    assert_eq!(Tool::Ipvsadm.restore(&again, &saved), Answer::of(0, "", ""));
    assert_eq!(State::of(&again), State::of(&theirs));
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
        writeln!(text, "-A -t 192.0.2.{service}:80 -s rr").unwrap();
        for destination in 0..100 {
            let destination = format!("10.0.{service}.{destination}:8080");
            writeln!(text, "-a -t 192.0.2.{service}:80 -r {destination} -m -w 1").unwrap();
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
    // Without optimisation an emulated processor takes most of the time to read the lines.
    if !cfg!(debug_assertions) {
        assert!(ours_took * 2 < theirs_took, "ipvsadm {theirs_took:?}, lvsd {ours_took:?}");
    }
    assert_eq!(State::of(&ours), State::of(&theirs));
    assert_eq!(Tool::Lvsd.call(&ours, "-Sn"), Answer::of(0, &text, ""));
}
