//! What comes out of a file.

mod cluster;
mod monitor;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipvs::{
    Encapsulation, Family, Flags, Forward, GreChecksum, GueChecksum, Netmask, Protocol, ServiceId,
    Thresholds, Weight,
};

use super::{Action, After, Alert, Compare, Config, Interface, Name, Occasion, VirtualService};

const VIP: &str = "[[vip]]
name = \"web\"
addresses = [\"192.0.2.205/24\", \"2001:db8::205/64\"]
interface = \"eth0\"
";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("f"), text.as_bytes()).map_err(|report| report.to_string())
}

/// A service with an IPv4 address, and these keys beside.
fn service(keys: &str) -> VirtualService {
    let text = format!("[[service]]\nname = \"s\"\nmonitor = \"none\"\n{keys}\n");
    parse(&text).unwrap_or_else(|report| panic!("{report}")).services.remove(0)
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn example(name: &str) -> Config {
    Config::load(&repository("configs").join(name)).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn the_least_file_has_every_default() {
    let config = example("minimal.toml");
    let [vip] = config.vips.as_slice() else { panic!("{config:?}") };
    assert_eq!((vip.name.as_str(), vip.interface.as_str()), ("web", "eth0"));
    assert_eq!(vip.addresses, ["192.0.2.205/24".parse().unwrap()]);
    assert_eq!((config.host.ip_forward, config.host.send_redirects), (None, None));
    let [service] = config.services.as_slice() else { panic!("{config:?}") };
    assert_eq!(service.ids.len(), 1);
    assert_eq!(service.ids[0].to_string(), "tcp 192.0.2.205:80");
    assert_eq!(service.definition, ipvs::Service::new(ipvs::Scheduler::new("wlc").unwrap()));
    assert_eq!(service.drain_timeout, Duration::from_secs(300));
    assert_eq!(service.monitors, []);
    let names: Vec<&str> = service.realservers.iter().map(|realserver| realserver.name.as_str()).collect();
    assert_eq!(names, ["192.0.2.220", "192.0.2.221"]);
    let first = &service.realservers[0];
    assert_eq!(first.endpoint.to_string(), "192.0.2.220:80");
    assert_eq!(first.destination, ipvs::Destination::new(Forward::Masquerade));
}

#[test]
fn a_service_is_of_the_group_of_its_pool() {
    let alone =
        service("address = \"192.0.2.205\"\nport = 80\nforward = \"nat\"\nrealservers = [\"192.0.2.1\"]");
    assert_eq!(alone.group.as_str(), "s");
    let text = "[[pool]]\nname = \"apache\"\nrealservers = [\"192.0.2.1\"]\n[[service]]\nname = \"http\"\n\
         address = \"192.0.2.205\"\nport = 80\nforward = \"nat\"\nmonitor = \"none\"\npool = \"apache\"\n";
    assert_eq!(parse(text).unwrap().services[0].group.as_str(), "apache");
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    let text = format!("{VIP}# a comment counts\n");
    let digest = |text: &str| parse(text).unwrap().digest();
    assert_eq!(digest(&text), digest(&text));
    assert_ne!(digest(&text), digest(VIP));
    // As sha256sum(1) has it.
    assert_eq!(digest(VIP)[..4], [0xb5, 0x29, 0xf7, 0x9d]);
}

#[test]
fn a_service_of_a_vip_has_an_id_for_each_address() {
    let config = example("ipv6.toml");
    let [http, smtp] = config.services.as_slice() else { panic!("{config:?}") };
    let ids: Vec<String> = http.ids.iter().map(ServiceId::to_string).collect();
    assert_eq!(ids, ["tcp 192.0.2.205:80", "tcp [2001:db8::205]:80"]);
    let of = |id: usize| -> Vec<&str> {
        http.realservers_of(http.ids[id]).map(|realserver| realserver.name.as_str()).collect()
    };
    assert_eq!(of(0), ["web1", "web2"]);
    assert_eq!(of(1), ["web1-v6", "web2-v6"]);
    assert_eq!(smtp.ids.len(), 1);
    let endpoints: Vec<String> =
        smtp.realservers.iter().map(|realserver| realserver.endpoint.to_string()).collect();
    assert_eq!(endpoints, ["[2001:db8::230]:25", "[2001:db8::231]:2525"]);
    assert_eq!(smtp.definition.netmask, Netmask::V6(64));
    assert_eq!(smtp.drain_timeout, Duration::from_secs(300));
}

#[test]
fn a_tunnel_serves_ids_of_both_families() {
    let text = format!(
        "{VIP}[[service]]\nname = \"s\"\nvip = \"web\"\nport = 80\nforward = \"tun\"\nmonitor = \"none\"\n\
         realservers = [\"192.0.2.10\"]\n"
    );
    let config = parse(&text).unwrap();
    let service = &config.services[0];
    assert_eq!(service.ids.len(), 2);
    assert!(service.ids.iter().all(|&id| service.realservers_of(id).count() == 1));
}

#[test]
fn realservers_are_called_by_name_or_by_address_as_it_stands() {
    // (in the file, name, endpoint)
    let table = [
        ("'192.0.2.10'", "192.0.2.10", "192.0.2.10:80"),
        ("'192.0.2.10:81'", "192.0.2.10:81", "192.0.2.10:81"),
        ("'192.0.2.10:0081'", "192.0.2.10:81", "192.0.2.10:81"),
        ("'192.0.2.10:80'", "192.0.2.10:80", "192.0.2.10:80"),
        ("{ address = '192.0.2.10' }", "192.0.2.10", "192.0.2.10:80"),
        ("{ address = '192.0.2.10', port = 81 }", "192.0.2.10:81", "192.0.2.10:81"),
        ("{ address = '192.0.2.10', name = 'a' }", "a", "192.0.2.10:80"),
    ];
    for (written, name, endpoint) in table {
        let service =
            service(&format!("address = '192.0.2.1'\nport = 80\nforward = 'nat'\nrealservers = [{written}]"));
        let realserver = &service.realservers[0];
        assert_eq!(realserver.name.as_str(), name, "{written}");
        assert_eq!(realserver.endpoint.to_string(), endpoint, "{written}");
    }
    let service = service(
        "address = '2001:db8::1'\nport = 80\nforward = 'nat'\n\
         realservers = ['2001:DB8:0::10', '[2001:DB8:0::10]:081']",
    );
    let names: Vec<&str> = service.realservers.iter().map(|realserver| realserver.name.as_str()).collect();
    assert_eq!(names, ["2001:db8::10", "[2001:db8::10]:81"]);
}

#[test]
fn forwarding_is_the_realservers_or_else_the_services() {
    let config = example("tun.toml");
    let [http, https] = config.services.as_slice() else { panic!("{config:?}") };
    let forwards = |service: &VirtualService| -> Vec<Forward> {
        service.realservers.iter().map(|realserver| realserver.destination.forward).collect()
    };
    assert_eq!(forwards(http), [Forward::Tunnel(Encapsulation::Ipip); 2]);
    let gue =
        Forward::Tunnel(Encapsulation::Gue { port: 6080.try_into().unwrap(), checksum: GueChecksum::Remote });
    let gre = Forward::Tunnel(Encapsulation::Gre { checksum: GreChecksum::Full });
    assert_eq!(forwards(https), [gue, gre, Forward::Route, gue]);
}

#[test]
fn marks_ports_and_masks_are_read_as_the_kernel_wants_them() {
    let mark = |keys: &str| {
        let service = service(&format!("forward = 'nat'\n{keys}"));
        (service.ids[0], service.realservers[0].endpoint.port())
    };
    let id = |mark: u32, family| ServiceId::Mark { mark: mark.try_into().unwrap(), family };
    // (keys, the id, the realserver's port)
    let table = [
        ("fwmark = 1\nrealservers = ['192.0.2.10']", (id(1, Family::V4), 0)),
        ("fwmark = '0xFFffFFff'\nrealservers = ['192.0.2.10:80']", (id(u32::MAX, Family::V4), 80)),
        ("fwmark = 0x10\nfamily = 'ipv6'\nrealservers = ['2001:db8::1']", (id(16, Family::V6), 0)),
        ("fwmark = '16'\nport = 0\nrealservers = ['192.0.2.10']", (id(16, Family::V4), 0)),
    ];
    for (keys, expected) in table {
        assert_eq!(mark(keys), expected, "{keys}");
    }
    let every_port = service(
        "address = '192.0.2.1'\npersistent = '1s'\nprotocol = 'sctp'\nforward = 'dr'\n\
         realservers = ['192.0.2.10']",
    );
    let ServiceId::Address { protocol, endpoint } = every_port.ids[0] else { panic!() };
    assert_eq!((protocol, endpoint.port()), (Protocol::Sctp, 0));
    assert_eq!(every_port.realservers[0].endpoint.port(), 0);

    let netmask = |mask: &str| {
        let keys = "fwmark = 1\nforward = 'nat'\npersistent = '1s'\nrealservers = ['192.0.2.10']";
        service(&format!("{keys}\nnetmask = {mask}")).definition.netmask
    };
    assert_eq!(netmask("24"), Netmask::V4([255, 255, 255, 0].into()));
    assert_eq!(netmask("'255.255.255.0'"), Netmask::V4([255, 255, 255, 0].into()));
    assert_eq!(netmask("1"), Netmask::V4([128, 0, 0, 0].into()));
    assert_eq!(netmask("32"), Netmask::Host);
    assert_eq!(netmask("'255.255.255.255'"), Netmask::Host);
}

#[test]
fn every_key_reaches_its_field() {
    let path = repository("tests/config/good/every-key.toml");
    let config = Config::load(&path).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(config.path, path);
    assert_eq!((config.host.ip_forward, config.host.send_redirects), (Some(true), Some(false)));
    let [http, sip, _, mark] = config.services.as_slice() else { panic!("{config:?}") };
    assert_eq!(http.definition.flags, Flags::PORT | Flags::FALLBACK | Flags::THIRD);
    assert_eq!(http.definition.scheduler.as_str(), "sh");
    assert_eq!(http.drain_timeout, Duration::ZERO);
    let first = &http.realservers[0].destination;
    assert_eq!(first.weight, Weight::MAX);
    assert_eq!(first.thresholds, Thresholds::new(Thresholds::MAX, 1).unwrap());
    let persistence = sip.definition.persistence.as_ref().unwrap();
    assert_eq!(persistence.timeout.as_seconds(), 31 * 24 * 60 * 60);
    assert_eq!(persistence.engine.as_ref().map(ipvs::EngineName::as_str), Some("sip"));
    assert_eq!(sip.definition.netmask, Netmask::V4([255, 255, 0, 0].into()));
    assert!(mark.definition.one_packet && !sip.definition.one_packet);
    assert_eq!(mark.definition.netmask, Netmask::V6(1));
}

#[test]
fn names_are_checked() {
    // (name, is one for a thing, is one for an interface)
    let table = [
        ("a", true, true),
        ("A-z_0.9", true, true),
        ("", false, false),
        ("a b", false, false),
        ("a\u{a0}b", false, false),
        ("ä", false, true),
        ("a:1", false, false),
        ("a/b", false, false),
        ("..", true, false),
        ("fifteen-bytes-x", true, true),
        ("sixteen-bytes-xx", true, false),
        (&"x".repeat(64), true, false),
        (&"x".repeat(65), false, false),
    ];
    for (name, thing, interface) in table {
        assert_eq!(Name::new(name).is_some(), thing, "{name:?}");
        assert_eq!(Interface::new(name).is_some(), interface, "{name:?}");
    }
}

#[test]
fn a_report_is_bounded_and_keeps_count() {
    let text = "[[service]]\n".repeat(10_000);
    let report = Config::parse(Path::new("f"), text.as_bytes()).unwrap_err();
    let rendered = report.to_string();
    // Each lacks five keys.
    assert_eq!(report.count(), 50_000);
    assert!(rendered.ends_with("\nf: 50000 problems, of which the last 49900 are not shown"), "{rendered}");
    assert_eq!(rendered.matches("help: ").count(), 100);
    assert_eq!(report.headline(), "f:1:1: [[service]] has no `monitor` (and 49999 more)");
}

#[test]
fn colour_is_only_where_it_is_asked_for() {
    let report = Config::parse(Path::new("f"), b"vip = 1\x1b[31m\n").unwrap_err();
    assert!(!report.render(false).to_string().contains('\x1b'));
    assert!(report.render(true).to_string().contains("\x1b[1mf:1:"));
}

/// The alert with these keys beside its webhook.
fn webhook(keys: &str) -> Alert {
    let text = format!("{VIP}[[alert]]\nwebhook = \"https://alerts.example.com/\"\n{keys}\n");
    parse(&text).unwrap_or_else(|report| panic!("{report}")).alerts.remove(0)
}

#[test]
fn an_alert_that_says_little_has_every_default() {
    let expected = Alert {
        on: [Occasion::Down, Occasion::Up].into(),
        action: Action::Webhook("https://alerts.example.com/".parse().unwrap()),
        services: None,
        after: After::Failures(1),
        every: None,
        compare: Compare::Summary,
        limit: None,
        period: crate::alert::Period::default(),
        up_after: Duration::ZERO,
        always_up: false,
    };
    assert_eq!(webhook(""), expected);
}

#[test]
fn a_failure_is_worth_telling_after_failures_or_time_or_both() {
    let table = [
        ("after = 3", After::Failures(3)),
        ("after = \"30s\"", After::Time(Duration::from_secs(30))),
        ("after = { count = 3, within = \"10m\" }", After::FailuresWithin(3, Duration::from_secs(600))),
    ];
    for (keys, after) in table {
        assert_eq!(webhook(keys).after, after, "{keys}");
    }
}

#[test]
fn a_program_is_found_beside_the_file() {
    let config = Config::load(&repository("tests/config/good/every-key.toml")).unwrap();
    let program = |index: usize| match &config.alerts[index].action {
        Action::Program { path, arguments } => (path.clone(), arguments.clone()),
        other @ Action::Webhook(_) => panic!("{other:?}"),
    };
    assert_eq!(program(0), (repository("tests/config/good/alert.d/page-oncall"), vec![]));
    assert_eq!(program(1), ("/bin/true".into(), vec!["--to".to_owned(), "oncall".to_owned()]));
    assert_eq!(config.downtime_log, Some("/var/log/lvsd/downtime.log".into()));
}
