//! A new file: all of it, or nothing of it.

use nix::sys::signal::Signal;

use crate::{
    director::{Director, complaint},
    lone::Lone,
    patience::until,
    stage::config,
};

const RS1: &str = "{ name = 'rs1', address = '192.168.71.101' }";
const RS2: &str = "{ name = 'rs2', address = '192.168.71.102' }";

fn named(name: &str, keys: &str, realservers: &[&str]) -> String {
    let realservers = realservers.join(", ");
    format!(
        "[[service]]\nname = '{name}'\nmonitor = 'none'\nforward = 'nat'\ndrain_timeout = '0s'\n{keys}\n\
         realservers = [{realservers}]\n"
    )
}

fn web(keys: &str, realservers: &[&str]) -> String {
    named("web", &format!("vip = 'web'\nport = 80\n{keys}"), realservers)
}

fn dns(realservers: &[&str]) -> String {
    named("dns", "vip = 'web'\nport = 53\nprotocol = 'udp'\nscheduler = 'rr'", realservers)
}

#[track_caller]
fn accepted(director: &Director, services: &str) -> String {
    let output = director.reload(&config(services));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn services_and_realservers_come_change_and_go() {
    let lone = Lone::new();
    let director = lone.direct(&web("scheduler = 'rr'", &[RS1]));

    let said = accepted(&director, &[web("scheduler = 'wlc'", &[RS1, RS2]), dns(&[RS1])].concat());
    assert_eq!(said, "2 realservers added, 1 service added, 1 service changed");
    assert_eq!(
        lone.rules(),
        "-A -t 192.168.71.205:80 -s wlc\n\
         -a -t 192.168.71.205:80 -r 192.168.71.101:80 -m -w 1\n\
         -a -t 192.168.71.205:80 -r 192.168.71.102:80 -m -w 1\n\
         -A -u 192.168.71.205:53 -s rr\n\
         -a -u 192.168.71.205:53 -r 192.168.71.101:53 -m -w 1\n"
    );

    let heavier = "{ name = 'rs2', address = '192.168.71.102', weight = 5 }";
    accepted(&director, &web("scheduler = 'wlc'\npersistent = '300s'", &[heavier]));
    until("what is gone from the file is gone from the kernel", || {
        lone.rules()
            == "-A -t 192.168.71.205:80 -s wlc -p 300\n\
                -a -t 192.168.71.205:80 -r 192.168.71.102:80 -m -w 5\n"
    });

    assert_eq!(
        accepted(&director, &web("scheduler = 'wlc'\npersistent = '300s'", &[heavier])),
        "nothing to change"
    );
}

#[test]
fn a_refused_file_changes_nothing() {
    let lone = Lone::new();
    let director = lone.direct(&web("scheduler = 'rr'", &[RS1]));
    let before = lone.snapshot();

    let said = complaint(&director.reload(&config(&web("scheduler = 'rx'\nprot = 1", &[RS1, "'nonsense'"]))));
    assert!(said.contains("lvsd.toml:"), "{said}");
    for word in ["rx", "prot", "nonsense", "help: "] {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert_eq!(lone.snapshot(), before);
    assert!(director.happened().iter().any(|event| event.kind == "refused" && event.cause == "reload"));

    // It is still looked after as it was.
    lone.node.run(["ipvsadm", "-C"]);
    until("the old file is in force", || lone.rules() == before.rules);
}

#[test]
fn a_file_that_the_kernel_refuses_is_taken_back_whole() {
    let lone = Lone::new();
    let director = lone.direct(&web("scheduler = 'rr'", &[RS1]));
    let before = lone.snapshot();

    let vip = "[[vip]]\nname = 'more'\naddresses = ['192.168.71.206/24']\ninterface = 'eth0'\n";
    let more = named("more", "vip = 'more'\nport = 80\nscheduler = 'twos'", &[RS1]);
    let said = complaint(&director.reload(&config(&[vip, &web("scheduler = 'lc'", &[RS2]), &more].concat())));
    assert!(said.contains("192.168.71.206:80"), "{said}");
    assert!(said.contains("the kernel has no scheduler twos (module ip_vs_twos)"), "{said}");
    assert_eq!(lone.snapshot(), before);
}

#[test]
fn an_interface_that_is_not_there_is_refused() {
    let lone = Lone::new();
    let director = lone.direct(&web("scheduler = 'rr'", &[RS1]));
    let before = lone.snapshot();

    let vip = "[[vip]]\nname = 'more'\naddresses = ['192.168.71.206/24']\ninterface = 'eth7'\n";
    let said = complaint(&director.reload(&config(&[vip, &web("scheduler = 'rr'", &[RS1])].concat())));
    assert_eq!(said, "vip more: this machine has no interface eth7; it has eth0, lo\n");
    assert_eq!(lone.snapshot(), before);
}

#[test]
fn a_hangup_is_a_reload() {
    let lone = Lone::new();
    let director = lone.direct(&web("scheduler = 'rr'", &[RS1]));

    director.write(&config(&web("scheduler = 'rr'", &[RS1, RS2])));
    director.signal(Signal::SIGHUP);
    until("the new realserver is there", || lone.rules().contains("192.168.71.102:80"));

    director.write("nonsense");
    director.signal(Signal::SIGHUP);
    until("the refusal is told", || director.happened().iter().any(|event| event.kind == "refused"));
    assert!(lone.rules().contains("192.168.71.102:80"));
}

#[test]
fn what_left_the_file_while_the_daemon_was_down_goes_when_it_is_up() {
    let lone = Lone::new();
    let mut director = lone.direct(&[web("scheduler = 'rr'", &[RS1, RS2]), dns(&[RS1])].concat());
    director.stop(Signal::SIGKILL);

    director.write(&config(&web("scheduler = 'rr'", &[RS1])));
    director.start_again();
    until("only what is in the file is left", || {
        lone.rules()
            == "-A -t 192.168.71.205:80 -s rr\n\
                -a -t 192.168.71.205:80 -r 192.168.71.101:80 -m -w 1\n"
    });
}

#[test]
fn a_vip_of_both_families_makes_a_service_of_each() {
    let lone = Lone::new();
    let both =
        "[[vip]]\nname = 'web'\naddresses = ['192.168.71.205/24', 'fd00:71::205/64']\ninterface = 'eth0'\n";
    let rs6 = "{ name = 'rs6', address = 'fd00:71::101' }";
    let director = Director::start(&lone.node, &format!("{both}{}", web("scheduler = 'rr'", &[RS1, rs6])));
    assert_eq!(
        lone.rules(),
        "-A -t 192.168.71.205:80 -s rr\n\
         -a -t 192.168.71.205:80 -r 192.168.71.101:80 -m -w 1\n\
         -A -t [fd00:71::205]:80 -s rr\n\
         -a -t [fd00:71::205]:80 -r [fd00:71::101]:80 -m -w 1\n"
    );
    assert_eq!(lone.sysctl("ipv6/conf/all/forwarding"), "1");

    let four = "[[vip]]\nname = 'web'\naddresses = ['192.168.71.205/24']\ninterface = 'eth0'\n";
    let output = director.reload(&format!("{four}{}", web("scheduler = 'rr'", &[RS1])));
    assert!(output.status.success(), "{output:?}");
    until("the IPv6 half is gone", || !lone.rules().contains("fd00"));
    assert!(!lone.addresses().contains(&"fd00:71::205/64".to_owned()));
}
