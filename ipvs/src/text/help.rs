//! What `-v` and `-h` print.

/// The version of ipvsadm that this is like, in ipvsadm's words because scripts read them.
pub const VERSION: &str = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n";

/// The commands and options, for a program that is called as `program`.
#[must_use]
pub fn help(program: &str) -> String {
    format!("{VERSION}This is lvsd, which speaks ipvsadm's language.\n\n{}", HELP.replace("PROGRAM", program))
}

const HELP: &str = "\
Usage:
  PROGRAM -A|-E SERVICE [-s SCHEDULER] [-p [SECONDS]] [-M MASK] [--pe ENGINE] [-o] [-b FLAGS]
  PROGRAM -D SERVICE
  PROGRAM -a|-e SERVICE -r ADDRESS [-g|-i|-m] [-w WEIGHT] [-x UPPER] [-y LOWER] [TUNNEL]
  PROGRAM -d SERVICE -r ADDRESS
  PROGRAM -L|-l [SERVICE|-c|--timeout|--daemon] [LISTING]
  PROGRAM -Z [SERVICE]
  PROGRAM -C
  PROGRAM -S [-n]
  PROGRAM -R
  PROGRAM --set TCP TCPFIN UDP
  PROGRAM --start-daemon master|backup [SYNC]
  PROGRAM --stop-daemon master|backup
  PROGRAM -h|-v

Commands:
  -A, --add-service         make a virtual service
  -E, --edit-service        replace a virtual service's settings
  -D, --delete-service      delete a virtual service and its destinations
  -a, --add-server          add a destination
  -e, --edit-server         replace a destination's settings
  -d, --delete-server       delete a destination
  -L, -l, --list            list
  -Z, --zero                zero the counters of one service, or of all
  -C, --clear               delete every service: clients are reset
  -S, --save                write the table as commands
  -R, --restore             read commands from standard input; applies all or, if one is wrong, none
      --set                 set the timeouts, in seconds; 0 leaves one as it is
      --start-daemon        synchronise connections with other directors
      --stop-daemon         stop that

SERVICE is one of:
  -t, --tcp-service HOST[:PORT]     IPv6 in brackets
  -u, --udp-service HOST[:PORT]
      --sctp-service HOST[:PORT]
  -f, --fwmark-service MARK [-6]    packets with a firewall mark, of IPv6 with -6

Scheduling:
  -s, --scheduler NAME      rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh; wlc unless given
  -p, --persistent [SECS]   a client stays with its destination; 360 unless given
  -M, --netmask MASK        how much of a client's address counts: an IPv4 mask or an IPv6 prefix length
      --pe ENGINE           what else tells clients apart: sip
  -o, --ops                 every UDP packet by itself
  -b, --sched-flags FLAGS   sh-fallback, sh-port, mh-fallback, mh-port, flag-1, flag-2, flag-3; comma between

Destinations:
  -r, --real-server HOST[:PORT]     the port of the service unless given
  -g, --gatewaying          direct routing, unless another method is given
  -m, --masquerading        NAT
  -i, --ipip                tunnel
  -w, --weight NUMBER       1 unless given; 0 gets no new connections
  -x, --u-threshold NUMBER  no new connections from this many on
  -y, --l-threshold NUMBER  new connections again below this many

TUNNEL, with -i:
  --tun-type ipip|gue|gre   ipip unless given
  --tun-port PORT           the port of a gue tunnel
  --tun-nocsum, --tun-csum, --tun-remcsum   without, with, with remote checksum

LISTING:
  -n, --numeric             addresses and ports as numbers
  -c, --connection          the connections
      --timeout             the timeouts
      --daemon              the synchronisation daemons
      --stats               totals
      --rate                per second
  -X, --exact               large numbers in full
      --thresholds          upper and lower thresholds
      --persistent-conn     persistence templates; with -c, the data of persistence engines
      --tun-info            tunnel type, port and checksum
      --nosort              in the kernel's order

SYNC:
  --mcast-interface NAME    eth0 unless given
  --syncid NUMBER           0 to 255; 0 unless given, and a backup of 0 listens to all
  --sync-maxlen BYTES       the largest datagram
  --mcast-group ADDRESS     224.0.0.81 unless given
  --mcast-port PORT         8848 unless given
  --mcast-ttl NUMBER        1 unless given
";
