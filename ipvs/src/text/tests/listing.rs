//! Listings to the byte, trailing blanks and all.

use super::{Book, table};
use crate::text::{
    Columns, DaemonsText, Entry, EntryText, List, Names, Numeric, SaveText, TableText, TimeoutsText,
    connections_title, wording,
};
use crate::{
    EngineName, Group, Info, Interface, Observed, ObservedDestination, Op, Refusal, Role, Scheduler,
    Statistics, SyncDaemon, Timeouts,
};

/// What a kernel with the table of a save file would answer, in that order.
fn kernel(save: &str) -> Vec<Observed> {
    let table = table(save);
    let mut services: Vec<Observed> = table
        .iter()
        .map(|(id, bound)| Observed {
            id: *id,
            service: bound.service.clone(),
            statistics: Statistics::default(),
            destinations: Vec::new(),
        })
        .collect();
    for (service, bound) in services.iter_mut().zip(table.values()) {
        service.destinations.extend(bound.destinations.iter().map(|(endpoint, destination)| {
            ObservedDestination {
                endpoint: *endpoint,
                destination: *destination,
                active: 0,
                inactive: 0,
                persistent: 0,
                statistics: Statistics::default(),
            }
        }));
    }
    services
}

fn listed(services: &[Observed], list: List, names: &dyn Names) -> String {
    TableText { services, info: None, list, names }.to_string()
}

const TABLE: &str = "\
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.11:80 -g
-a -t 192.0.2.10:80 -r 10.0.0.13:8080 -m -w 5 -x 100 -y 50
-A -u 192.0.2.10:53 -s wrr -p -M 255.255.255.0 -o
-A --sctp-service 192.0.2.10:9999 -s lc
-A -t [2001:db8::10]:443 -s mh -p 120 -M 64 -b mh-fallback,mh-port
-a -t [2001:db8::10]:443 -r [2001:db8:1::11]:443 -m -w 2147483647
-A -u 192.0.2.10:5060 -s rr -p 60 --pe sip
-A -f 7 -s sh -b sh-port
-a -f 7 -r 10.0.0.11 -i --tun-type gue --tun-port 65535 --tun-remcsum
-a -f 7 -r 10.0.0.12 -i -w 3 --tun-type gre
-a -f 7 -r 10.0.0.13 -i
-A -f 8 -6 -s rr -b flag-1,flag-3
";

#[test]
fn a_table_of_everything() {
    let services = kernel(TABLE);
    let text = TableText {
        services: &services,
        info: Some(Info { version: (1, 2, 1), connection_table_size: 4096 }),
        list: List { numeric: true, ..List::ALL },
        names: &Numeric,
    };
    let expected = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.10:80 wlc
  -> 10.0.0.11:80                 Route   1      0          0         \n  \
  -> 10.0.0.13:8080               Masq    5      0          0         \n\
UDP  192.0.2.10:53 wrr persistent 360 mask 255.255.255.0 ops
UDP  192.0.2.10:5060 rr persistent 60 pe sip
SCTP 192.0.2.10:9999 lc
TCP  [2001:db8::10]:443 mh (mh-fallback,mh-port) persistent 120 mask 64
  -> [2001:db8:1::11]:443         Masq    2147483647 0          0         \n\
FWM  7 sh (sh-port)
  -> 10.0.0.11:0                  Tunnel  1      0          0         \n  \
  -> 10.0.0.12:0                  Tunnel  3      0          0         \n  \
  -> 10.0.0.13:0                  Tunnel  1      0          0         \n\
FWM  8 IPv6 rr (flag-1,flag-3)
";
    assert_eq!(text.to_string(), expected);
}

#[test]
fn a_table_as_commands() {
    let services = kernel(TABLE);
    let expected = "\
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.11:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.13:8080 -m -w 5 -x 100 -y 50
-A -u 192.0.2.10:53 -s wrr -p 360 -M 255.255.255.0 -o
-A -u 192.0.2.10:5060 -s rr -p 60 --pe sip
-A --sctp-service 192.0.2.10:9999 -s lc
-A -t [2001:db8::10]:443 -s mh -p 120 -M 64 -b mh-fallback,mh-port
-a -t [2001:db8::10]:443 -r [2001:db8:1::11]:443 -m -w 2147483647
-A -f 7 -s sh -b sh-port
-a -f 7 -r 10.0.0.11:0 -i -w 1 --tun-type gue --tun-port 65535 --tun-remcsum
-a -f 7 -r 10.0.0.12:0 -i -w 3 --tun-type gre --tun-nocsum
-a -f 7 -r 10.0.0.13:0 -i -w 1 --tun-type ipip
-A -f 8 -6 -s rr -b flag-1,flag-3
";
    assert_eq!(SaveText { services: &services, names: &Numeric }.to_string(), expected);
}

#[test]
fn columns() {
    let mut services =
        kernel("-A -t 192.0.2.10:80 -s rr\n-a -t 192.0.2.10:80 -r 10.0.0.13:8080 -m -w 5 -x 100 -y 50\n");
    services[0].statistics = statistics([4, 14, 9, 760, 516], [1, 2, 3, 4, 5]);
    let destination = &mut services[0].destinations[0];
    (destination.active, destination.inactive, destination.persistent) = (2, 12, 1);
    destination.statistics = statistics([6, 24, 19, 1302, 1060], [6, 7, 8, 9, 10]);

    let rows = [
        (
            Columns::Plain,
            "\
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.10:80 rr
  -> 10.0.0.13:8080               Masq    5      2          12        \n",
        ),
        (
            Columns::TunnelInfo,
            "\
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn
TCP  192.0.2.10:80 rr
  -> 10.0.0.13:8080               Masq    n/a           5      2          12        \n",
        ),
        (
            Columns::Thresholds,
            "\
Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  \
  -> RemoteAddress:Port
TCP  192.0.2.10:80 rr
  -> 10.0.0.13:8080               100        50         2          12        \n",
        ),
        (
            Columns::PersistentConn,
            "\
Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  \
  -> RemoteAddress:Port
TCP  192.0.2.10:80 rr
  -> 10.0.0.13:8080               5         1           2          12        \n",
        ),
        (
            Columns::Stats,
            "\
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  192.0.2.10:80                       4       14        9      760      516
  -> 10.0.0.13:8080                      6       24       19     1302     1060
",
        ),
        (
            Columns::Rate,
            "\
Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port
TCP  192.0.2.10:80                       1        2        3        4        5
  -> 10.0.0.13:8080                      6        7        8        9       10
",
        ),
    ];
    for (columns, expected) in rows {
        assert_eq!(listed(&services, List { columns, ..List::ALL }, &Numeric), expected, "{columns:?}");
    }
}

fn statistics(totals: [u64; 5], rates: [u64; 5]) -> Statistics {
    let [connections, packets_in, packets_out, bytes_in, bytes_out] = totals;
    let [connection_rate, packet_rate_in, packet_rate_out, byte_rate_in, byte_rate_out] = rates;
    Statistics {
        connections,
        packets_in,
        packets_out,
        bytes_in,
        bytes_out,
        connection_rate,
        packet_rate_in,
        packet_rate_out,
        byte_rate_in,
        byte_rate_out,
    }
}

#[test]
fn tunnel_information() {
    let services = kernel(
        "-A -t 1.2.3.4:80
-a -t 1.2.3.4:80 -r 5.6.7.1 -i --tun-type gue --tun-port 81 --tun-csum
-a -t 1.2.3.4:80 -r 5.6.7.2 -i --tun-type gue --tun-port 82 --tun-nocsum
-a -t 1.2.3.4:80 -r 5.6.7.3 -i --tun-type gue --tun-port 65535 --tun-remcsum
-a -t 1.2.3.4:80 -r 5.6.7.4 -i --tun-type gre --tun-nocsum
-a -t 1.2.3.4:80 -r 5.6.7.5 -i --tun-type gre --tun-csum
-a -t 1.2.3.4:80 -r 5.6.7.6 -i\n",
    );
    let text = listed(&services, List { columns: Columns::TunnelInfo, ..List::ALL }, &Numeric);
    let destinations: Vec<_> = text.lines().skip(3).collect();
    assert_eq!(
        destinations,
        [
            "  -> 5.6.7.1:80                   Tunnel  gue:81:+c     1      0          0         ",
            "  -> 5.6.7.2:80                   Tunnel  gue:82:-c     1      0          0         ",
            "  -> 5.6.7.3:80                   Tunnel  gue:65535:r+c 1      0          0         ",
            "  -> 5.6.7.4:80                   Tunnel  gre:-c        1      0          0         ",
            "  -> 5.6.7.5:80                   Tunnel  gre:+c        1      0          0         ",
            "  -> 5.6.7.6:80                   Tunnel  ipip          1      0          0         ",
        ]
    );
}

#[test]
fn large_numbers() {
    let rows = [
        (99_999_999, " 99999999", " 99999999"),
        (100_000_000, "  100000K", " 100000000"),
        (999_999_999, "  999999K", " 999999999"),
        (1_000_000_000, "    1000M", " 1000000000"),
        (99_999_999_999, "   99999M", " 99999999999"),
        (100_000_000_000, "     100G", " 100000000000"),
        (99_999_999_999_999, "   99999G", " 99999999999999"),
        (100_000_000_000_000, "     100T", " 100000000000000"),
        (u64::MAX, "18446744T", " 18446744073709551615"),
    ];
    let mut services = kernel("-A -t 1.2.3.4:80\n");
    for (number, short, exact) in rows {
        services[0].statistics.bytes_out = number;
        for (in_full, expected) in [(false, short), (true, exact)] {
            let list = List { columns: Columns::Stats, exact: in_full, ..List::ALL };
            let line =
                format!("TCP  1.2.3.4:80                          0        0        0        0{expected}");
            let text = listed(&services, list, &Numeric);
            assert_eq!(text.lines().last(), Some(line.as_str()), "{number}");
        }
    }
}

#[test]
fn packet_rates_of_destinations_are_never_shortened() {
    let mut services = kernel("-A -t 1.2.3.4:80\n-a -t 1.2.3.4:80 -r 5.6.7.8\n");
    services[0].statistics.packet_rate_in = 123_456_789;
    services[0].destinations[0].statistics.packet_rate_in = 123_456_789;
    let text = listed(&services, List { columns: Columns::Rate, ..List::ALL }, &Numeric);
    let lines: Vec<_> = text.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "TCP  1.2.3.4:80                          0  123456K        0        0        0",
            "  -> 5.6.7.8:80                          0 123456789        0        0        0",
        ]
    );
}

#[test]
fn names_are_cut_to_the_room_there_is() {
    let services = kernel(
        "-A -t 10.0.0.77:80
-a -t 10.0.0.77:80 -r 10.0.0.77
-a -t 10.0.0.77:80 -r 2001:db8::78 -i
-A -t 10.0.0.78:81
-A -u 10.0.0.78:69
-A -t 10.0.0.78:69
-A -f 5
-a -f 5 -r 10.0.0.78:80 -m\n",
    );
    let expected = "\
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  averyveryveryveryverylonghos        0        0        0        0        0
  -> averyveryveryveryverylonghos        0        0        0        0        0
  -> [sixhost]:http                      0        0        0        0        0
TCP  fourhost:69                         0        0        0        0        0
TCP  fourhost:81                         0        0        0        0        0
UDP  fourhost:tftp                       0        0        0        0        0
FWM  5                                   0        0        0        0        0
  -> fourhost:80                         0        0        0        0        0
";
    assert_eq!(listed(&services, List { columns: Columns::Stats, ..List::ALL }, &Book), expected);
}

#[test]
fn saved_names_are_those_that_can_be_read_back() {
    let services =
        kernel("-A -t 10.0.0.77:80\n-a -t 10.0.0.77:80 -r 2001:db8::78 -i\n-A -t [2001:db8::78]:80\n");
    let long = "averyveryveryveryverylonghostname.averylongdomainname.example.org:http";
    assert_eq!(
        SaveText { services: &services, names: &Book }.to_string(),
        format!(
            "-A -t {long} -s wlc\n\
             -a -t {long} -r [2001:db8::78]:http -i -w 1 --tun-type ipip\n\
             -A -t [2001:db8::78]:http -s wlc\n"
        )
    );
}

/// What a kernel held whose table ipvsadm put into this circular order.
#[test]
fn the_order_is_ipvsadms() {
    let hash_order = [
        "90.1.1.1",
        "240.0.0.1",
        "1.1.1.1",
        "140.0.0.1",
        "64.0.0.1",
        "200.1.1.1",
        "127.0.0.1",
        "100.64.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "10.0.0.1",
        "8.8.8.8",
    ];
    let listed_order = [
        "100.64.0.1",
        "127.0.0.1",
        "140.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "200.1.1.1",
        "240.0.0.1",
        "1.1.1.1",
        "8.8.8.8",
        "10.0.0.1",
        "64.0.0.1",
        "90.1.1.1",
    ];
    let services: Vec<_> =
        hash_order.iter().flat_map(|address| kernel(&format!("-A -t {address}:80\n"))).collect();
    assert_eq!(addresses(&listed(&services, List::ALL, &Numeric), "TCP  "), listed_order);
    assert_eq!(
        addresses(&listed(&services, List { sorted: false, ..List::ALL }, &Numeric), "TCP  "),
        hash_order
    );

    let youngest_first = [
        "f000::1",
        "1000::1",
        "8000::1",
        "2001:db8::1",
        "90.1.1.1",
        "240.0.0.1",
        "1.1.1.1",
        "140.0.0.1",
        "64.0.0.1",
        "200.1.1.1",
        "8.8.8.8",
        "127.0.0.1",
        "100.64.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "10.0.0.1",
    ];
    let listed_order = [
        "100.64.0.1",
        "140.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "200.1.1.1",
        "[f000::1]",
        "240.0.0.1",
        "1.1.1.1",
        "8.8.8.8",
        "10.0.0.1",
        "[1000::1]",
        "[2001:db8::1]",
        "64.0.0.1",
        "90.1.1.1",
        "127.0.0.1",
        "[8000::1]",
    ];
    let mut service = kernel("-A -t 1.2.3.4:80\n");
    service[0].destinations = youngest_first
        .iter()
        .flat_map(|address| kernel(&format!("-A -t 1.2.3.4:80\n-a -t 1.2.3.4:80 -r {address} -i\n")))
        .flat_map(|service| service.destinations)
        .collect();
    assert_eq!(addresses(&listed(&service, List::ALL, &Numeric), "  -> "), listed_order);
}

fn addresses<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let lines = text.lines().skip(2).filter_map(|line| line.strip_prefix(before));
    lines.filter_map(|line| line.split(":80 ").next()).collect()
}

#[test]
fn families_and_protocols_and_marks_come_in_order() {
    let services = kernel(
        "-A -f 2147483647 -6
-A -f 6 -6
-A -f 6
-A -t [2001:db8::1]:80
-A --sctp-service 1.2.3.4:9
-A -u 1.2.3.4:53
-A -t 1.2.3.4:80
-A -t 1.2.3.4:79\n",
    );
    assert_eq!(
        SaveText { services: &services, names: &Numeric }.to_string(),
        "-A -t 1.2.3.4:79 -s wlc
-A -t 1.2.3.4:80 -s wlc
-A -u 1.2.3.4:53 -s wlc
-A --sctp-service 1.2.3.4:9 -s wlc
-A -t [2001:db8::1]:80 -s wlc
-A -f 6 -s wlc
-A -f 6 -6 -s wlc
-A -f 2147483647 -6 -s wlc\n"
    );
}

#[test]
fn connections() {
    let rows = [
        (
            "TCP C000020A E45A C000020A 0050 7F000001 1F90 ESTABLISHED     897",
            "TCP 14:57  ESTABLISHED 192.0.2.10:58458   192.0.2.10:80      127.0.0.1:8080\n",
            "TCP 14:57  ESTABLISHED 192.0.2.10:58458   192.0.2.10:http    localhost:8080\n",
        ),
        (
            "TCP 2001:0db8:0000:0000:0000:0000:0000:0000 0000 2001:0db8:0000:0000:0000:0000:0000:0010 0050 \
             0000:0000:0000:0000:0000:0000:0000:0001 0050 ASSURED      359997",
            "TCP 5999:57 ASSURED     [2001:db8::]:0     [2001:db8::10]:80  [::1]:80\n",
            "TCP 5999:57 ASSURED     [2001:db8::]:0     [2001:db8::10]:http [::1]:http\n",
        ),
        (
            "UDP C000020A 0000 C000020A 13C4 7F000001 13C4 NONE             57 sip abc-123@host.example.org",
            "UDP 00:57  NONE        192.0.2.10:0       192.0.2.10:5060    127.0.0.1:5060   sip                abc-123@host.example.org\n",
            "UDP 00:57  NONE        192.0.2.10:0       192.0.2.10:5060    localhost:5060   sip                abc-123@host.example.org\n",
        ),
    ];
    for (line, numeric, named) in rows {
        let entry = Entry::parse(line).expect(line);
        assert_eq!(EntryText { entry, engines: true, names: &Numeric }.to_string(), numeric);
        assert_eq!(EntryText { entry, engines: true, names: &Book }.to_string(), named);
    }
    let (line, ..) = rows[2];
    let entry = Entry::parse(line).expect(line);
    assert_eq!(
        EntryText { entry, engines: false, names: &Numeric }.to_string(),
        "UDP 00:57  NONE        192.0.2.10:0       192.0.2.10:5060    127.0.0.1:5060\n"
    );
    assert_eq!(
        connections_title(false),
        "IPVS connection entries\npro expire state       source             virtual            destination\n"
    );
    assert_eq!(
        connections_title(true),
        "IPVS connection entries\npro expire state       source             virtual            destination        pe name          pe_data\n"
    );
}

#[test]
fn lines_that_are_no_connection() {
    let whole = "TCP C000020A E45A C000020A 0050 7F000001 1F90 ESTABLISHED     897";
    for end in 0..whole.len() - 2 {
        assert_eq!(Entry::parse(&whole[..end]), None, "{end} bytes");
    }
    for line in [
        "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData",
        "TCP C000020A1 E45A C000020A 0050 7F000001 1F90 ESTABLISHED     897",
        "TCP C000020A 1E45A C000020A 0050 7F000001 1F90 ESTABLISHED     897",
        "TCP C000020A E45A C000020A 0050 7F000001 1F90 ESTABLISHED     -1",
    ] {
        assert_eq!(Entry::parse(line), None, "{line}");
    }
}

#[test]
fn timeouts_and_daemons() {
    let timeouts = Timeouts { tcp: 900, tcp_fin: 120, udp: 300 };
    assert_eq!(TimeoutsText(timeouts).to_string(), "Timeout (tcp tcpfin udp): 900 120 300\n");

    let master = SyncDaemon {
        role: Role::Master,
        interface: Interface::new("d0").expect("a name"),
        sync_id: 7,
        max_length: Some(1472),
        group: Group::new([224, 0, 0, 81].into()).ok(),
        port: Some(8848),
        ttl: Some(1),
    };
    let backup = SyncDaemon {
        role: Role::Backup,
        group: Group::new("ff02::5".parse().expect("an address")).ok(),
        ..master.clone()
    };
    assert_eq!(
        DaemonsText(&[backup, master]).to_string(),
        "master sync daemon (mcast=d0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n\
         backup sync daemon (mcast=d0, syncid=7, maxlen=1472, group=ff02::5, port=8848, ttl=1)\n"
    );
    assert_eq!(DaemonsText(&[]).to_string(), "");
}

#[test]
fn refusals_in_ipvsadms_words() {
    let service = "tcp 1.2.3.4:80".parse().expect("an id");
    let endpoint = "5.6.7.8:80".parse().expect("an endpoint");
    let delete_service = Op::DeleteService(service);
    let delete_destination = Op::DeleteDestination { service, endpoint };
    let scheduler = Scheduler::new("rr").expect("a name");
    let engine = EngineName::new("sip").expect("a name");
    let rows = [
        (Refusal::ServiceExists, None, "Service already exists"),
        (Refusal::NoService, None, "No such service"),
        (Refusal::NoService, Some(&delete_service), "No such service"),
        (Refusal::NoService, Some(&delete_destination), "Service not defined"),
        (Refusal::DestinationExists, None, "Destination already exists"),
        (Refusal::NoDestination, Some(&delete_destination), "No such destination"),
        (Refusal::NoScheduler(scheduler.clone()), None, "Scheduler or persistence engine not found"),
        (Refusal::NoEngine { engine, scheduler }, None, "Scheduler or persistence engine not found"),
        (Refusal::DaemonRuns, None, "Daemon has already run"),
        (Refusal::NoDaemon, None, "No daemon is running"),
        (Refusal::NoInterface(Interface::new("eth9").expect("a name")), None, "No such device"),
        (
            Refusal::Invalid("it is not unicast"),
            None,
            "Invalid operation.  Possibly wrong module version, address not unicast, ...",
        ),
        (Refusal::Permission, None, "Permission denied (you must be root)"),
        (Refusal::NoMemory, None, "Memory allocation problem"),
        (Refusal::NoFamily, None, "Operation not supported with specified address family"),
        (Refusal::Other(101), None, "Network is unreachable"),
    ];
    for (refusal, op, words) in rows {
        assert_eq!(wording(&refusal, op), words, "{refusal:?}");
    }
}
