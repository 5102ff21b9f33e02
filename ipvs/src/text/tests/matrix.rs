//! Which options go with which command: ipvsadm's own answers, one row per command.

use super::command;
use crate::text::Usage;

const OPTIONS: [&str; 33] = [
    "-n",
    "-c",
    "-s rr",
    "-p 5",
    "-M 255.0.0.0",
    "-m",
    "-w 2",
    "-x 5",
    "-y 3",
    "--mcast-interface eth9",
    "--timeout",
    "--daemon",
    "--stats",
    "--rate",
    "--thresholds",
    "--persistent-conn",
    "--nosort",
    "--sort",
    "--syncid 3",
    "-X",
    "-o",
    "--pe sip",
    "-b flag-1",
    "--mcast-group 224.0.0.1",
    "--mcast-port 9",
    "--mcast-ttl 3",
    "--sync-maxlen 100",
    "--tun-info",
    "--tun-type gue",
    "--tun-port 7",
    "--tun-nocsum",
    "--tun-csum",
    "--tun-remcsum",
];

/// A command, its name in messages, and for each of the options `x` if it is refused.
const ROWS: [(&str, &str, &str); 14] = [
    ("-A -t 1.2.3.4:80", "add-service", "xx...xxxxxxxxxxxx.xx...xxxxxxxxxx"),
    ("-E -t 1.2.3.4:80", "edit-service", "xx...xxxxxxxxxxxx.xx...xxxxxxxxxx"),
    ("-D -t 1.2.3.4:80", "delete-service", "xxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx"),
    ("-C", "flush", "xxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx"),
    ("-L", "list", "..xxxxxxxx..........xxxxxxx.xxxxx"),
    ("-a -t 1.2.3.4:80 -r 5.6.7.8", "add-server", "xxxxx....xxxxxxxx.xxxxxxxxxx....."),
    ("-e -t 1.2.3.4:80 -r 5.6.7.8", "edit-server", "xxxxx....xxxxxxxx.xxxxxxxxxx....."),
    ("-d -t 1.2.3.4:80 -r 5.6.7.8", "delete-server", "xxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx"),
    ("-Z", "zero", "xxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx"),
    ("-S", "save", ".xxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx"),
    ("-R", "restore", "xxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx"),
    ("--set 1 2 3", "set", "xxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxx"),
    ("--start-daemon master", "start-daemon", "xxxxxxxxx.xxxxxxxx.xxxx....xxxxxx"),
    ("--stop-daemon master", "stop-daemon", "xxxxxxxxxxxxxxxxx..xxxxxxxxxxxxxx"),
];

#[test]
fn options_that_a_command_refuses() {
    for (line, name, row) in ROWS {
        for (option, verdict) in OPTIONS.into_iter().zip(row.chars()) {
            // `--sort` goes with every command, for it does nothing.
            let expected = verdict == 'x' && option != "--sort";
            let outcome = command(&format!("{line} {option}"));
            let refused =
                matches!(&outcome, Err(Usage::Illegal { name: told, what: "command", .. }) if *told == name);
            assert_eq!(refused, expected, "{line} {option}: {outcome:?}");
        }
    }
}

#[test]
fn options_that_a_command_needs() {
    let rows = [
        ("-A", "service-address", "add-service"),
        ("-E -s rr", "service-address", "edit-service"),
        ("-D", "service-address", "delete-service"),
        ("-a", "service-address", "add-server"),
        ("-a -r 5.6.7.8", "service-address", "add-server"),
        ("-a -t 1.2.3.4:80", "real-server", "add-server"),
        ("-e -t 1.2.3.4:80 -m", "real-server", "edit-server"),
        ("-d -t 1.2.3.4:80", "real-server", "delete-server"),
    ];
    for (line, option, name) in rows {
        assert_eq!(command(line), Err(Usage::Needed { option, name, what: "command" }), "{line}");
    }
}

#[test]
fn service_addresses_are_refused_where_none_is_meant() {
    for (line, name, _) in ROWS {
        let refused = matches!(name, "flush" | "save" | "restore" | "set" | "start-daemon" | "stop-daemon");
        if line.contains("-t") && !refused {
            continue;
        }
        for service in ["-t 1.2.3.4:80", "-u 1.2.3.4:80", "--sctp-service 1.2.3.4:80", "-f 1"] {
            let outcome = command(&format!("{line} {service}"));
            assert_eq!(
                matches!(outcome, Err(Usage::Illegal { option: "service-address", .. })),
                refused,
                "{line} {service}: {outcome:?}"
            );
        }
    }
}

#[test]
fn the_first_mistake_in_ipvsadms_order_is_told() {
    let rows = [
        ("-C -X -n", "numeric"),
        ("-C --tun-nocsum --sync-maxlen 5 -b flag-1", "sched-flags"),
        ("-C --exact --syncid 3", "syncid"),
        ("-S -y 1 -w 1 -m", "forwarding-method"),
    ];
    for (line, told) in rows {
        let outcome = command(line);
        assert!(
            matches!(outcome, Err(Usage::Illegal { option, .. }) if option == told),
            "{line}: {outcome:?}"
        );
    }
}

#[test]
fn listings_that_exclude_each_other() {
    let conflict = |option, other| Usage::Conflict { option, other, name: "list", what: "command" };
    let rows = [
        ("-L -c -t 1.2.3.4:80", conflict("service-address", "connection")),
        ("-L -t 1.2.3.4:80 --timeout", conflict("timeout", "service-address")),
        ("-L --timeout -c -t 1.2.3.4:80", conflict("service-address", "connection")),
        ("-L --daemon --timeout", conflict("daemon", "timeout")),
        ("-L -c --stats", Usage::ListConflict),
        ("-L -c --rate", Usage::ListConflict),
        ("-L -c --thresholds", Usage::ListConflict),
        ("-L -c --persistent-conn --stats", Usage::ListConflict),
        ("-L --timeout --stats", Usage::ListConflict),
        ("-L --timeout --persistent-conn", Usage::ListConflict),
        ("-L --daemon --rate", Usage::ListConflict),
        ("-L --daemon --thresholds", Usage::ListConflict),
    ];
    for (line, usage) in rows {
        assert_eq!(command(line), Err(usage), "{line}");
    }
    for line in
        ["-L -c --persistent-conn", "-L -c --tun-info -X", "-L --timeout --tun-info", "-L --daemon --nosort"]
    {
        assert!(command(line).is_ok(), "{line}");
    }
}

#[test]
fn tunnels() {
    let needed = |option, name| Usage::Needed { option, name, what: "tunnel type" };
    let illegal = |option, name| Usage::Illegal { option, name, what: "tunnel type" };
    let conflict = |option, other, name| Usage::Conflict { option, other, name, what: "tunnel type" };
    let rows = [
        ("-i", None),
        ("-i --tun-type ipip", None),
        ("-i --tun-port 7", Some(illegal("tun-port", "ipip"))),
        ("-i --tun-nocsum", Some(illegal("tun-nocsum", "ipip"))),
        ("-i --tun-type ipip --tun-csum --tun-remcsum", Some(illegal("tun-csum", "ipip"))),
        ("-i --tun-type gue --tun-port 80", None),
        ("-i --tun-type gue --tun-port 80 --tun-nocsum", None),
        ("-i --tun-type gue --tun-port 80 --tun-csum", None),
        ("-i --tun-remcsum --tun-port 80 --tun-type gue", None),
        ("-i --tun-type gue", Some(needed("tun-port", "gue"))),
        ("-i --tun-type gue --tun-csum", Some(needed("tun-port", "gue"))),
        (
            "-i --tun-type gue --tun-port 80 --tun-csum --tun-nocsum",
            Some(conflict("tun-csum", "tun-nocsum", "gue")),
        ),
        (
            "-i --tun-type gue --tun-port 80 --tun-csum --tun-remcsum",
            Some(conflict("tun-remcsum", "tun-csum", "gue")),
        ),
        (
            "-i --tun-type gue --tun-port 80 --tun-remcsum --tun-csum --tun-nocsum",
            Some(conflict("tun-csum", "tun-nocsum", "gue")),
        ),
        ("-i --tun-type gre", None),
        ("-i --tun-type gre --tun-nocsum", None),
        ("-i --tun-type gre --tun-csum", None),
        ("-i --tun-type gre --tun-port 7", Some(illegal("tun-port", "gre"))),
        ("-i --tun-type gre --tun-remcsum", Some(illegal("tun-remcsum", "gre"))),
        ("-i --tun-type gre --tun-csum --tun-remcsum", Some(illegal("tun-remcsum", "gre"))),
        ("-i --tun-type gre --tun-csum --tun-nocsum", Some(conflict("tun-csum", "tun-nocsum", "gre"))),
        ("--tun-type ipip", Some(Usage::NoTunnel)),
        ("-g --tun-type ipip", Some(Usage::NoTunnel)),
        ("-m --tun-port 7", Some(Usage::NoTunnel)),
        ("-m --tun-csum", Some(Usage::NoTunnel)),
    ];
    for (options, mistake) in rows {
        let outcome = command(&format!("-a -t 1.2.3.4:80 -r 5.6.7.8 {options}"));
        assert_eq!(outcome.err(), mistake, "{options}");
    }
}
