//! What arguments mean, and how they are refused.

use std::fmt::Write as _;

use super::{Book, command};
use crate::text::{Columns, Command, DaemonsText, List, Numeric, SaveText, Subject, parse, restore};
use crate::{
    Destination, Endpoint, Observed, ObservedDestination, Op, Role, Scheduler, Service, ServiceId,
    Statistics, Timeouts,
};

/// A command in a form of its own: `-S` lines for what changes the table.
fn canonical(command: Command) -> String {
    let service = |id, service| saved(id, service, None);
    let server = |id, endpoint, destination| {
        let any = Service::new(Scheduler::new("rr").expect("a name"));
        let text = saved(id, any, Some((endpoint, destination)));
        text.lines().last().expect("two lines").to_owned()
    };
    match command {
        Command::Change(op) => match op {
            Op::AddService(id, with) => service(id, with),
            Op::EditService(id, with) => service(id, with).replacen("-A", "-E", 1),
            Op::DeleteService(id) => format!("-D {id}"),
            Op::AddDestination { service, endpoint, destination } => server(service, endpoint, destination),
            Op::EditDestination { service, endpoint, destination } => {
                server(service, endpoint, destination).replacen("-a", "-e", 1)
            }
            Op::DeleteDestination { service, endpoint } => format!("-d {service} -r {endpoint}"),
        },
        Command::StartDaemon(daemon) => DaemonsText(&[daemon]).to_string().trim_end().to_owned(),
        other => format!("{other:?}"),
    }
}

fn saved(id: ServiceId, service: Service, destination: Option<(Endpoint, Destination)>) -> String {
    let destinations = destination.map(|(endpoint, destination)| ObservedDestination {
        endpoint,
        destination,
        active: 0,
        inactive: 0,
        persistent: 0,
        statistics: Statistics::default(),
    });
    let services = [Observed {
        id,
        service,
        statistics: Statistics::default(),
        destinations: destinations.into_iter().collect(),
    }];
    SaveText { services: &services, names: &Numeric }.to_string().trim_end().to_owned()
}

fn accept(rows: &[(&str, &str)]) {
    for &(line, expected) in rows {
        let outcome = command(line).map(canonical);
        assert_eq!(outcome.as_deref(), Ok(expected), "{line}");
    }
}

fn refuse(rows: &[(&str, u8, &str)]) {
    for &(line, status, message) in rows {
        match command(line) {
            Ok(command) => panic!("{line}: {command:?}"),
            Err(usage) => {
                assert_eq!((usage.status(), usage.to_string().as_str()), (status, message), "{line}")
            }
        }
    }
}

const NO_COMMAND: &str = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.";
const BAD_SERVICE: &str = "illegal virtual server address[:port] specified";
const BAD_SERVER: &str = "illegal real server address[:port] specified";
const ZERO_PORT: &str = "Zero port specified for non-persistent service";
const OPS: &str = "One-Packet Scheduling is only for UDP virtual services";
const BAD_FAMILY: &str = "Different address family is allowed only for tunneling servers";
const UNKNOWN_MODULE: &str = "Scheduler or persistence engine not found";

#[test]
fn options_are_told_apart_as_popt_does() {
    accept(&[
        ("-A -t 1.2.3.4:80", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -t1.2.3.4:80", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -t=1.2.3.4:80", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A --tcp-service=1.2.3.4:80", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A --tcp-service 1.2.3.4:80", "-A -t 1.2.3.4:80 -s wlc"),
        ("-At 1.2.3.4:80 -srr", "-A -t 1.2.3.4:80 -s rr"),
        ("-A -t 1.2.3.4:80 --", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -s rr -t 1.2.3.4:80", "-A -t 1.2.3.4:80 -s rr"),
        ("--add-service --scheduler= --tcp-service 1.2.3.4:80", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -t 1.2.3.4:80 -p -s rr", "-A -t 1.2.3.4:80 -s rr -p 360"),
        ("-A -t 1.2.3.4:80 -p30", "-A -t 1.2.3.4:80 -s wlc -p 30"),
        ("-A -t 1.2.3.4:80 -p=30", "-A -t 1.2.3.4:80 -s wlc -p 30"),
        ("-A -t 1.2.3.4:80 -p 30", "-A -t 1.2.3.4:80 -s wlc -p 30"),
        ("-A -t 1.2.3.4:80 --persistent=30", "-A -t 1.2.3.4:80 -s wlc -p 30"),
        ("-A -t 1.2.3.4:80 -s rr -p", "-A -t 1.2.3.4:80 -s rr -p 360"),
        ("--set 0 -- 1 2", "SetTimeouts(Timeouts { tcp: 0, tcp_fin: 1, udp: 2 })"),
    ]);
    refuse(&[
        ("-x", 255, NO_COMMAND),
        ("--foo", 255, NO_COMMAND),
        ("foo", 255, NO_COMMAND),
        ("-t 1.2.3.4:80", 255, NO_COMMAND),
        ("-nL", 255, NO_COMMAND),
        ("-- -A", 255, NO_COMMAND),
        ("--start-daemon", 255, NO_COMMAND),
        ("--help=3", 255, NO_COMMAND),
        ("-C=3", 255, NO_COMMAND),
        ("-A -t", 255, "-t: missing argument"),
        ("-A -t 1.2.3.4:80 --scheduler", 255, "--scheduler: missing argument"),
        ("-Cx", 255, "-Cx: missing argument"),
        ("-A --zzz", 255, "--zzz: unknown option"),
        ("-A --tcp 1.2.3.4:80", 255, "--tcp: unknown option"),
        ("-A -j", 255, "-j: unknown option"),
        ("-A -t 1.2.3.4:80 -p -5", 255, "-5: unknown option"),
        ("-A --ops=3", 255, "--ops=3: option does not take an argument"),
        ("-A -o=3", 255, "-o=3: option does not take an argument"),
        ("-A foo", 2, "unexpected argument foo"),
        ("foo -A", 2, "unexpected argument foo"),
        ("-A ''", 2, "unexpected argument "),
        ("-A -", 2, "unexpected argument -"),
        ("-A -t 1.2.3.4:80 -p -", 2, "unexpected argument -"),
        ("-A -- -t 1.2.3.4:80", 2, "unexpected argument -t"),
        ("-A -t 1.2.3.4:80 -s -- rr", 2, "unexpected argument rr"),
        ("-A -t -- 1.2.3.4:80", 2, BAD_SERVICE),
        ("-AD", 2, "invalid option `-AD'"),
        ("-A -t 1.2.3.4:80 --delete-service", 2, "invalid option `--delete-service'"),
        ("--start-daemon master --stop-daemon backup", 2, "invalid option `backup'"),
        ("-C -h", 2, "invalid option `-h'"),
        ("-A -t 1.2.3.4:80 -u 1.2.3.4:80", 2, "multiple 'service-address' options specified"),
        ("-A -t 1.2.3.4:80 -f 1", 2, "multiple 'service-address' options specified"),
        ("-a -m -m", 2, "multiple 'forwarding-method' options specified"),
        ("-a -g -m", 2, "multiple 'forwarding-method' options specified"),
        ("-L -n -n", 2, "multiple 'numeric' options specified"),
    ]);
}

#[test]
fn service_addresses() {
    accept(&[
        ("-A -u 1.2.3.4:53", "-A -u 1.2.3.4:53 -s wlc"),
        ("-A --sctp-service 1.2.3.4:9", "-A --sctp-service 1.2.3.4:9 -s wlc"),
        ("-A -t 1.2.3.4:http", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -t fourhost:+80", "-A -t 10.0.0.78:80 -s wlc"),
        ("-A -t 1.2.3.4:~80", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -t 1.2.3.4 -p", "-A -t 1.2.3.4:0 -s wlc -p 360"),
        ("-A -t 80:80", "-A -t 0.0.0.80:80 -s wlc"),
        ("-A -t [::1]:80", "-A -t [::1]:80 -s wlc"),
        ("-A -t ::1 -p", "-A -t [::1]:0 -s wlc -p 360"),
        ("-A -t 2001:db8::1:80 -p 5", "-A -t [2001:db8::1:80]:0 -s wlc -p 5"),
        ("-A -t [fourhost]:81 -p", "-A -t 10.0.0.78:0 -s wlc -p 360"),
        ("-A -t [::1.2.3.4]:80", "-A -t [::1.2.3.4]:80 -s wlc"),
        ("-A -t [::1:2]:80", "-A -t [::0.1.0.2]:80 -s wlc"),
        ("-D -t 1.2.3.4", "-D tcp 1.2.3.4:0"),
        (
            "-Z -u 1.2.3.4:53",
            "Zero(Some(Address { protocol: Udp, endpoint: Endpoint { address: 1.2.3.4, port: 53 } }))",
        ),
        ("-Z", "Zero(None)"),
    ]);
    refuse(&[
        ("-A -t 1.2.3.4", 2, ZERO_PORT),
        ("-A -t 1.2.3.4:0", 2, ZERO_PORT),
        ("-A -t [1.2.3.4]:81", 2, ZERO_PORT),
        ("-A -t 1234", 2, BAD_SERVICE),
        ("-A -t ''", 2, BAD_SERVICE),
        ("-A -t :80", 2, BAD_SERVICE),
        ("-A -t 1.2.3.4:65536", 2, BAD_SERVICE),
        ("-A -t 1.2.3.4:-1", 2, BAD_SERVICE),
        ("-A -t 1.2.3.4:80~", 2, BAD_SERVICE),
        ("-A -u 1.2.3.4:http", 2, BAD_SERVICE),
        ("-A -t nosuchhost:80", 2, BAD_SERVICE),
        ("-A -t sixhost:80", 2, BAD_SERVICE),
        ("-A -t [::1]", 2, BAD_SERVICE),
        ("-A -t [::1]:", 2, BAD_SERVICE),
        ("-A -t [1.2.3.4:82", 2, BAD_SERVICE),
        ("-A -t []:80", 2, BAD_SERVICE),
        ("-A -t [fe80::1%lo]:80", 2, BAD_SERVICE),
        ("-A -t [::ffff:1.2.3.4]:80", 2, "::ffff:1.2.3.4 is an IPv4 address in IPv6 form; write it as IPv4"),
    ]);
}

#[test]
fn firewall_marks() {
    accept(&[
        ("-A -f 5", "-A -f 5 -s wlc"),
        ("-A -f 5 -6", "-A -f 5 -6 -s wlc"),
        ("-A -f ~9 -o", "-A -f 9 -s wlc -o"),
        ("-A -f 2147483648 -6", "-A -f 2147483648 -6 -s wlc"),
        ("-A -f 4294967295", "-A -f 4294967295 -s wlc"),
        ("-D -f 5 -6", "-D fwmark 5 ipv6"),
    ]);
    refuse(&[
        ("-A -f 0", 2, "invalid fwmark value `0' specified"),
        ("-A -f -1", 2, "invalid fwmark value `-1' specified"),
        ("-A -f 4294967296", 2, "invalid fwmark value `4294967296' specified"),
        ("-A -f 0x10", 2, "invalid fwmark value `0x10' specified"),
        ("-A -f 9:80", 2, "invalid fwmark value `9:80' specified"),
        ("-A -f ''", 2, "invalid fwmark value `' specified"),
        ("-Lfoo", 2, "invalid fwmark value `oo' specified"),
        ("-A -6 -f 5", 2, "-6 used before -f\n"),
        ("-A -t 1.2.3.4:80 -6", 2, "-6 used before -f\n"),
    ]);
}

#[test]
fn scheduling() {
    accept(&[
        ("-A -u 1.2.3.4:53 -o", "-A -u 1.2.3.4:53 -s wlc -o"),
        ("-E -t 1.2.3.4:80 -s none", "-E -t 1.2.3.4:80 -s none"),
        ("-A -t 1.2.3.4:80 -s '' --pe ''", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -u 1.2.3.4:5060 --pe sip -p 60", "-A -u 1.2.3.4:5060 -s wlc -p 60 --pe sip"),
        ("-A -t 1.2.3.4:80 -p 2678400", "-A -t 1.2.3.4:80 -s wlc -p 2678400"),
        ("-A -t 1.2.3.4:80 -p ~+5", "-A -t 1.2.3.4:80 -s wlc -p 5"),
        ("-A -t 1.2.3.4:80 -b ''", "-A -t 1.2.3.4:80 -s wlc"),
        ("-A -t 1.2.3.4:80 -b flag-1,,flag-3", "-A -t 1.2.3.4:80 -s wlc -b flag-1,flag-3"),
        ("-A -t 1.2.3.4:80 -b flag-2 -s sh", "-A -t 1.2.3.4:80 -s sh -b sh-port"),
        ("-A -t 1.2.3.4:80 -b sh-port,sh-fallback -s sh", "-A -t 1.2.3.4:80 -s sh -b sh-fallback,sh-port"),
        ("-A -t 1.2.3.4:80 -b mh-port,flag-3 -s mh", "-A -t 1.2.3.4:80 -s mh -b mh-port,flag-3"),
    ]);
    refuse(&[
        ("-A -t 1.2.3.4:80 -s a~b", 255, UNKNOWN_MODULE),
        ("-A -t 1.2.3.4:80 -s ../rr", 255, UNKNOWN_MODULE),
        ("-A -t 1.2.3.4:80 -s abcdefghijklmnop", 255, UNKNOWN_MODULE),
        ("-A -u 1.2.3.4:80 -p --pe abcdefghijklmnop", 255, UNKNOWN_MODULE),
        (
            "-A -u 1.2.3.4:80 --pe sip",
            2,
            "a persistence engine is only for persistent virtual services: --pe needs -p",
        ),
        ("-A -t 1.2.3.4:80 -o", 2, OPS),
        ("-A --sctp-service 1.2.3.4:80 -o", 2, OPS),
        ("-A -t 1.2.3.4:80 -p 0", 2, "invalid timeout value `0' specified"),
        ("-A -t 1.2.3.4:80 -p ''", 2, "invalid timeout value `' specified"),
        ("-A -t 1.2.3.4:80 -p 2678401", 2, "invalid timeout value `2678401' specified"),
        ("-A -t 1.2.3.4:80 -ps rr", 2, "invalid timeout value `s' specified"),
        ("-A -t 1.2.3.4:80 -b flag-4", 2, "invalid scheduler flag `flag-4'"),
        ("-A -t 1.2.3.4:80 -b ~flag-1", 2, "invalid scheduler flag ` flag-1'"),
        ("-A -t 1.2.3.4:80 -b sh-port", 2, "incompatible scheduler flag `sh-port'"),
        ("-A -t 1.2.3.4:80 -b sh-port -s mh", 2, "incompatible scheduler flag `sh-port'"),
        ("-A -b nonsense", 2, "invalid scheduler flag `nonsense'"),
        ("-A -b nonsense -n foo", 2, "unexpected argument foo"),
    ]);
}

#[test]
fn netmasks_depend_on_the_service_before_them() {
    accept(&[
        ("-A -t 1.2.3.4:80 -p 7 -M 255.0.255.0", "-A -t 1.2.3.4:80 -s wlc -p 7 -M 255.0.255.0"),
        ("-A -t 1.2.3.4:80 -p 7 -M 24", "-A -t 1.2.3.4:80 -s wlc -p 7 -M 0.0.0.24"),
        ("-A -t 1.2.3.4:80 -p 7 -M 0.0.0.0", "-A -t 1.2.3.4:80 -s wlc -p 7 -M 0.0.0.0"),
        ("-A -t 1.2.3.4:80 -p 7 -M 255.255", "-A -t 1.2.3.4:80 -s wlc -p 7 -M 255.0.0.255"),
        ("-A -t 1.2.3.4:80 -p 7 -M localhost", "-A -t 1.2.3.4:80 -s wlc -p 7 -M 127.0.0.1"),
        ("-A -t 1.2.3.4:80 -p 7 -M 255.255.255.255", "-A -t 1.2.3.4:80 -s wlc -p 7"),
        ("-A -M 255.255.0.0 -p 5 -t 1.2.3.4:80", "-A -t 1.2.3.4:80 -s wlc -p 5 -M 255.255.0.0"),
        ("-A -M 255.255.0.0 -p 5 -f 21", "-A -f 21 -s wlc -p 5 -M 255.255.0.0"),
        ("-A -M 255.255.0.0 -p 5 -f 21 -6", "-A -f 21 -6 -s wlc -p 5"),
        ("-A -M 255.255.0.0 -p 5 -t [::1]:80", "-A -t [::1]:80 -s wlc -p 5"),
        ("-A -f 21 -6 -p 5 -M 48", "-A -f 21 -6 -s wlc -p 5 -M 48"),
        ("-A -t [::1]:80 -p 7 -M 64foo", "-A -t [::1]:80 -s wlc -p 7 -M 64"),
        ("-A -t [::1]:80 -p 7 -M 128", "-A -t [::1]:80 -s wlc -p 7"),
        // Without persistence a netmask means nothing.
        ("-A -t 1.2.3.4:80 -M 255.0.0.0", "-A -t 1.2.3.4:80 -s wlc"),
    ]);
    refuse(&[
        ("-A -t 1.2.3.4:80 -M nosuchhost", 2, "illegal virtual server persistent mask specified"),
        ("-A -t 1.2.3.4:80 -M ''", 2, "illegal virtual server persistent mask specified"),
        ("-A -t 1.2.3.4:80 -M ffffff00", 2, "illegal virtual server persistent mask specified"),
        ("-A -t [::1]:80 -M 0", 2, "illegal ipv6 netmask specified"),
        ("-A -t [::1]:80 -M 129", 2, "illegal ipv6 netmask specified"),
        ("-A -t [::1]:80 -M foo", 2, "illegal ipv6 netmask specified"),
    ]);
}

#[test]
fn destinations() {
    let ipip = "--tun-type ipip";
    accept(&[
        ("-a -t 1.2.3.4:80 -r 10.0.0.1", "-a -t 1.2.3.4:80 -r 10.0.0.1:80 -g -w 1"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1:8080", "-a -t 1.2.3.4:80 -r 10.0.0.1:80 -g -w 1"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1:8080 -m", "-a -t 1.2.3.4:80 -r 10.0.0.1:8080 -m -w 1"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1:0 -m", "-a -t 1.2.3.4:80 -r 10.0.0.1:0 -m -w 1"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1:http -m", "-a -t 1.2.3.4:80 -r 10.0.0.1:80 -m -w 1"),
        ("-e -t 1.2.3.4:80 -r 10.0.0.1 -w 0", "-e -t 1.2.3.4:80 -r 10.0.0.1:80 -g -w 0"),
        // Before the service there is no port to take over.
        ("-a -r 10.0.0.1 -t 1.2.3.4:80 -m", "-a -t 1.2.3.4:80 -r 10.0.0.1:0 -m -w 1"),
        ("-a -r 10.0.0.1 -t 1.2.3.4:80", "-a -t 1.2.3.4:80 -r 10.0.0.1:80 -g -w 1"),
        ("-a -f 5 -r 10.0.0.1", "-a -f 5 -r 10.0.0.1:0 -g -w 1"),
        ("-a -f 5 -r 10.0.0.1:81", "-a -f 5 -r 10.0.0.1:81 -g -w 1"),
        ("-a -f 5 -r 10.0.0.1:http -m", "-a -f 5 -r 10.0.0.1:80 -m -w 1"),
        ("-a -f 6 -r 2001:db8::8 -m -6", "-a -f 6 -6 -r [2001:db8::8]:0 -m -w 1"),
        ("-a -t [::1]:80 -r 2001:db8::8", "-a -t [::1]:80 -r [2001:db8::8]:80 -g -w 1"),
        (
            "-a -t 1.2.3.4:80 -r 10.0.0.1 -w 2147483647 -x 2147483647 -y 7",
            "-a -t 1.2.3.4:80 -r 10.0.0.1:80 -g -w 2147483647 -x 2147483647 -y 7",
        ),
        ("-d -t 1.2.3.4:80 -r 10.0.0.1", "-d tcp 1.2.3.4:80 -r 10.0.0.1:80"),
        ("-d -t 1.2.3.4:80 -r 10.0.0.1:8080", "-d tcp 1.2.3.4:80 -r 10.0.0.1:8080"),
        ("-d -t 1.2.3.4:80 -r [2001:db8::8]:80", "-d tcp 1.2.3.4:80 -r [2001:db8::8]:80"),
    ]);
    for (line, tunnel) in [
        ("-a -t 1.2.3.4:80 -r [2001:db8::8]:80 -i", "-a -t 1.2.3.4:80 -r [2001:db8::8]:80 -i -w 1"),
        ("-a -f 6 -6 -r 10.0.0.2:80 -i", "-a -f 6 -6 -r 10.0.0.2:80 -i -w 1"),
    ] {
        accept(&[
            (line, &format!("{tunnel} {ipip}")),
            (
                &format!("{line} --tun-type gue --tun-port 6080"),
                &format!("{tunnel} --tun-type gue --tun-port 6080 --tun-nocsum"),
            ),
            (
                &format!("{line} --tun-type gue --tun-port 6080 --tun-remcsum"),
                &format!("{tunnel} --tun-type gue --tun-port 6080 --tun-remcsum"),
            ),
            (&format!("{line} --tun-type gre"), &format!("{tunnel} --tun-type gre --tun-nocsum")),
            (&format!("{line} --tun-type gre --tun-csum"), &format!("{tunnel} --tun-type gre --tun-csum")),
        ]);
    }
    refuse(&[
        ("-a -t 1.2.3.4:80 -r 10.0.0.1:nosuch -m", 2, BAD_SERVER),
        ("-a -r 10.0.0.1:http -t 1.2.3.4:80 -m", 2, BAD_SERVER),
        ("-a -t 1.2.3.4:80 -r :80", 2, BAD_SERVER),
        ("-a -t 1.2.3.4:80 -r 80", 2, BAD_SERVER),
        ("-a -t [::1]:80 -r [2001:db8::8]", 2, BAD_SERVER),
        ("-a -t 1.2.3.4:80 -r 2001:db8::8", 2, BAD_FAMILY),
        ("-a -t 1.2.3.4:80 -r 2001:db8::8 -m", 2, BAD_FAMILY),
        ("-a -t 1.2.3.4:80 -r 2001:db8::8 --tun-type gue", 2, BAD_FAMILY),
        ("-a -f 6 -r 2001:db8::8 -m", 2, BAD_FAMILY),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -w -1", 2, "illegal weight specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -w 2147483648", 2, "illegal weight specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -w ''", 2, "illegal weight specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -x 2147483648", 2, "illegal u_threshold specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -x -1", 2, "illegal u_threshold specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -y ten", 2, "illegal l_threshold specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -x 5 -y 6", 255, "Numerical result out of range"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -i --tun-type foo", 2, "illegal tunnel type specified"),
        ("-D -t 1.2.3.4:80 --tun-type foo", 2, "illegal tunnel type specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -i --tun-port 0", 2, "illegal tunnel port specified"),
        ("-a -t 1.2.3.4:80 -r 10.0.0.1 -i --tun-port 65536", 2, "illegal tunnel port specified"),
    ]);
}

#[test]
fn timeouts_and_daemons() {
    accept(&[
        ("--set 900 120 300", "SetTimeouts(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 })"),
        ("--set 0 0 2678400", "SetTimeouts(Timeouts { tcp: 0, tcp_fin: 0, udp: 2678400 })"),
        ("--start-daemon master", "master sync daemon (mcast=eth0, syncid=0)"),
        ("--start-daemon=backup --mcast-interface ''", "backup sync daemon (mcast=eth0, syncid=0)"),
        (
            "--start-daemon backup --mcast-interface eth1 --syncid 255 --sync-maxlen 65507 --mcast-ttl 255 \
             --mcast-port 65535 --mcast-group 239.1.2.3",
            "backup sync daemon (mcast=eth1, syncid=255, maxlen=65507, group=239.1.2.3, port=65535, ttl=255)",
        ),
        (
            "--start-daemon master --mcast-group ff02::5",
            "master sync daemon (mcast=eth0, syncid=0, group=ff02::5)",
        ),
        ("--stop-daemon backup --syncid 5", "StopDaemon(Backup)"),
    ]);
    refuse(&[
        ("--set", 2, "--set option requires 3 timeout values"),
        ("--set 1 2", 2, "--set option requires 3 timeout values"),
        ("--set 1 2 3 4", 2, "unexpected argument 4"),
        ("--set -1 2 3", 255, "-1: unknown option"),
        ("--set 1 -- -2 3", 2, "invalid timeout value `-2' specified"),
        ("--set 1 2 2678401", 2, "invalid timeout value `2678401' specified"),
        ("--set foo 2 3", 2, "invalid timeout value `foo' specified"),
        ("--start-daemon foo", 2, "illegal start-daemon parameter specified"),
        ("--stop-daemon foo", 2, "illegal start_daemon specified"),
        ("--start-daemon master --syncid 256", 2, "illegal syncid specified"),
        ("--stop-daemon master --syncid -1", 2, "illegal syncid specified"),
        ("--start-daemon master --sync-maxlen 0", 2, "illegal sync-maxlen specified"),
        ("--start-daemon master --sync-maxlen 65508", 2, "illegal sync-maxlen specified"),
        ("--start-daemon master --mcast-port 0", 2, "illegal mcast-port specified"),
        ("--start-daemon master --mcast-ttl 256", 2, "illegal mcast-ttl specified"),
        ("--start-daemon master --mcast-group 10.0.0.1", 2, "invalid IPv4 mcast-group `10.0.0.1'"),
        ("--start-daemon master --mcast-group 224.0.0", 2, "invalid IPv4 mcast-group `224.0.0'"),
        ("--start-daemon master --mcast-group fe80::1", 2, "invalid IPv6 mcast-group `fe80::1'"),
        ("--start-daemon master --mcast-interface abcdefghijklmnop", 255, "No such device"),
        ("--start-daemon master --mcast-interface a~b", 255, "No such device"),
    ]);
    assert_eq!(command("--stop-daemon master"), Ok(Command::StopDaemon(Role::Master)));
    assert_eq!(command("--set 1 2 3"), Ok(Command::SetTimeouts(Timeouts { tcp: 1, tcp_fin: 2, udp: 3 })));
}

#[test]
fn listings() {
    let all = List { numeric: true, ..List::ALL };
    let id = "tcp 1.2.3.4:80".parse().expect("an id");
    let rows = [
        ("-L", List::ALL),
        ("-l -n", all),
        ("-Ln --sort --sort", all),
        ("--list --numeric --nosort", List { sorted: false, ..all }),
        ("-LnX --stats", List { columns: Columns::Stats, exact: true, ..all }),
        ("-Ln --rate --stats", List { columns: Columns::Stats, ..all }),
        ("-Ln --thresholds --rate", List { columns: Columns::Rate, ..all }),
        ("-Ln --persistent-conn --thresholds", List { columns: Columns::Thresholds, ..all }),
        ("-Ln --tun-info --persistent-conn", List { columns: Columns::PersistentConn, ..all }),
        ("-Ln --tun-info", List { columns: Columns::TunnelInfo, ..all }),
        ("-Lnt1.2.3.4:80", List { subject: Subject::Service(id), ..all }),
        ("-Lnc", List { subject: Subject::Connections, ..all }),
        ("-Ln --timeout", List { subject: Subject::Timeouts, ..all }),
        ("-Ln --daemon", List { subject: Subject::Daemons, ..all }),
    ];
    for (line, list) in rows {
        assert_eq!(command(line), Ok(Command::List(list)), "{line}");
    }
    assert_eq!(parse("ipvsadm", &[], &Numeric), Ok(Command::List(List::ALL)));
}

#[test]
fn help_and_version_come_before_everything_else() {
    for line in ["-h", "--help", "-h -x", "-hfoo", "-h foo"] {
        assert_eq!(command(line), Ok(Command::Help), "{line}");
    }
    for line in ["-v", "--version", "-vA", "-v foo"] {
        assert_eq!(command(line), Ok(Command::Version), "{line}");
    }
}

#[test]
fn restored_lines() {
    let rows: [(&str, &[(usize, &str)]); 7] = [
        ("", &[]),
        ("\n \n\t\r\nipvsadm\n", &[]),
        ("-A -t 1.2.3.4:80", &[(1, "-A -t 1.2.3.4:80 -s wlc")]),
        ("\n  -A\t-t   1.2.3.4:80 \r\n", &[(2, "-A -t 1.2.3.4:80 -s wlc")]),
        ("ipvsadm -A -t 1.2.3.4:80\n", &[(1, "-A -t 1.2.3.4:80 -s wlc")]),
        ("-A ipvsadm -t 1.2.3.4:80\n", &[(1, "-A -t 1.2.3.4:80 -s wlc")]),
        ("-C\n-Z\n-S -n\n", &[(1, "Clear"), (2, "Zero(None)"), (3, "Save { numeric: true }")]),
    ];
    for (text, expected) in rows {
        let commands = restore("ipvsadm", text, &Book).expect(text);
        let commands: Vec<_> =
            commands.into_iter().map(|(line, command)| (line, canonical(command))).collect();
        let commands: Vec<_> = commands.iter().map(|(line, command)| (*line, command.as_str())).collect();
        assert_eq!(commands, expected, "{text:?}");
    }
}

#[test]
fn every_bad_line_of_a_restored_file_is_told() {
    let text = "-A -t 1.2.3.4:80\n# comment\n-A -t 1.2.3.4:81 -q\n\n-A\n-R\n-A -t 1.2.3.4:82 # comment\n-h";
    let mut told = String::new();
    for line in restore("ipvsadm", text, &Book).expect_err("bad lines") {
        writeln!(told, "{line}").expect("a string takes everything");
    }
    let expected = format!(
        "line 2: {NO_COMMAND}\n\
         line 3: -q: unknown option\n\
         line 5: You need to supply the 'service-address' option for the 'add-service' command\n\
         line 6: {NO_COMMAND}\n\
         line 7: unexpected argument #\n\
         line 8: {NO_COMMAND}\n"
    );
    assert_eq!(told, expected);
}
