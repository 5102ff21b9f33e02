//! How realservers are watched, and what follows from it.

use std::fs::{self, Permissions};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::{
    Check, Dns, Exec, Expected, Http, HttpVersion, MinServing, Monitor, OnFailure, Origin, Pace, Smtp,
    Statuses, Tls, Trust, Udp,
};
use ipvs::Forward;

use super::{repository, service};
use crate::config::{Config, Dependency, Name, VirtualService};

/// A service of two realservers with this value of `monitor`.
fn watched(monitor: &str) -> VirtualService {
    let keys =
        "address = '192.0.2.1'\nport = 80\nforward = 'nat'\nrealservers = ['192.0.2.10', '192.0.2.11']";
    let text = format!("[[service]]\nname = 's'\n{keys}\nmonitor = {monitor}\n");
    super::parse(&text).unwrap_or_else(|report| panic!("{report}")).services.remove(0)
}

fn monitor(value: &str) -> Monitor {
    let service = watched(value);
    let [monitor] = service.monitors.as_slice() else { panic!("{service:?}") };
    Monitor::clone(monitor)
}

fn every_key() -> Config {
    let path = repository("tests/config/good/monitors.toml");
    Config::load(&path).unwrap_or_else(|report| panic!("{report}"))
}

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

const HTTP: Http = Http {
    tls: None,
    version: HttpVersion::Http11,
    method: String::new(),
    path: String::new(),
    host: None,
    headers: Vec::new(),
    credentials: None,
    statuses: Statuses(Vec::new()),
    body: None,
    max_body: 64 * 1024,
};

#[test]
fn a_monitor_that_says_little_has_every_default() {
    let http = || Http { method: "GET".into(), path: "/".into(), statuses: Statuses::default(), ..HTTP };
    let tls = || Tls { server_name: None, trust: Trust::System };
    // (in the file, what is asked)
    let table = [
        ("'tcp'", Check::Tcp),
        ("{ type = 'tcp' }", Check::Tcp),
        ("['tcp']", Check::Tcp),
        ("'tls'", Check::Tls(tls())),
        ("'http'", Check::Http(Box::new(http()))),
        ("'https'", Check::Http(Box::new(Http { tls: Some(tls()), ..http() }))),
        ("'udp'", Check::Udp(Udp { payload: vec![], reply: None })),
        ("'ping'", Check::Ping),
        (
            "{ type = 'dns', name = 'a.b' }",
            Check::Dns(Dns { name: "a.b".into(), record: (1, "A"), address: None }),
        ),
        ("'smtp'", Check::Smtp(Smtp { hello: "lvsd".into() })),
        ("'idle'", Check::Idle),
    ];
    for (written, check) in table {
        let fall = if check == Check::Idle { 1 } else { 3 };
        let expected = Monitor {
            check,
            address: None,
            port: None,
            origin: Origin::default(),
            timeout: Duration::from_secs(3),
            pace: Pace {
                interval: Duration::from_secs(5),
                fast_interval: Duration::from_secs(1),
                down_interval: Duration::from_secs(5),
                rise: count(2),
                fall: count(fall),
            },
        };
        assert_eq!(monitor(written), expected, "{written}");
    }
    assert_eq!(watched("{ type = 'none' }").monitors, []);
}

#[test]
fn intervals_follow_the_one_that_is_said() {
    let seconds = Duration::from_secs_f64;
    // (in the file, interval, fast_interval, down_interval)
    let table = [
        ("interval = '10s'", 10.0, 1.0, 10.0),
        ("interval = '500ms'", 0.5, 0.5, 0.5),
        ("interval = '10s', fast_interval = '2s'", 10.0, 2.0, 10.0),
        ("interval = '10s', down_interval = '1s'", 10.0, 1.0, 1.0),
        ("timeout = '60s', interval = '1s'", 1.0, 1.0, 1.0),
    ];
    for (keys, interval, fast, down) in table {
        let pace = monitor(&format!("{{ type = 'tcp', {keys} }}")).pace;
        let read = (pace.interval, pace.fast_interval, pace.down_interval);
        assert_eq!(read, (seconds(interval), seconds(fast), seconds(down)), "{keys}");
    }
}

#[test]
fn every_key_of_a_monitor_reaches_its_field() {
    let config = every_key();
    let [http, https, dns, mail] = config.services.as_slice() else { panic!("{config:?}") };
    let expected = Http {
        version: HttpVersion::Http10,
        method: "OPTIONS".into(),
        path: "/status?full=1".into(),
        host: Some("www.example.com:8080".into()),
        headers: vec![
            ("Accept".into(), "text/plain".into()),
            ("X-Monitor".into(), "lvsd 0.1; \t\"all\"".into()),
        ],
        statuses: Statuses(vec![200..=200, 300..=399, 401..=401]),
        body: Some(Expected::Matches(Arc::new(regex::bytes::Regex::new(r"(?i)all \w+ up").unwrap()))),
        max_body: 1024 * 1024,
        ..HTTP
    };
    let expected = Monitor {
        check: Check::Http(Box::new(expected)),
        address: Some([192, 0, 2, 99].into()),
        port: Some(8080),
        origin: Origin::default(),
        timeout: Duration::from_secs(10),
        pace: Pace {
            interval: Duration::from_secs(6),
            fast_interval: Duration::from_millis(500),
            down_interval: Duration::from_secs(30),
            rise: count(1),
            fall: count(2),
        },
    };
    assert_eq!(*http.monitors[0], expected);
    let Check::Http(second) = &http.monitors[1].check else { panic!("{http:?}") };
    assert_eq!((&second.statuses, second.max_body), (&Statuses(vec![204..=204]), 100));
    assert_eq!(second.body, Some(Expected::Contains(b"OK".to_vec())));

    let own = |index: usize| http.realservers[index].monitors.as_deref();
    assert_eq!(own(0), None);
    assert_eq!(own(1).map(|own| own.iter().map(|it| it.check.name()).collect()), Some(vec!["tcp"]));
    assert_eq!(own(2), Some([].as_slice()));
    let origin = Origin { address: Some([192, 0, 2, 1].into()), interface: Some("eth0".into()) };
    assert_eq!(own(3).map(|own| &own[1].origin), Some(&origin));

    let tls = |name: &str| Tls { server_name: Some(name.to_owned()), trust: Trust::System };
    let Check::Http(request) = &https.monitors[0].check else { panic!("{https:?}") };
    assert_eq!(request.tls, Some(tls("www.example.com")));
    let own = https.realservers[1].monitors.as_deref();
    assert_eq!(own.map(|own| &own[0].check), Some(&Check::Tls(tls("b.example.com"))));

    let checks: Vec<Check> = dns.monitors.iter().map(|monitor| monitor.check.clone()).collect();
    let query = |name: &str, record, address: Option<&str>| {
        let address = address.map(|text| text.parse::<IpAddr>().unwrap());
        Check::Dns(Dns { name: name.to_owned(), record, address })
    };
    let udp = |payload: &[u8], reply| Check::Udp(Udp { payload: payload.to_vec(), reply });
    let pong = Expected::Matches(Arc::new(regex::bytes::Regex::new("pong").unwrap()));
    let expected = [
        udp(b"", None),
        udp(&[0, 0xff, 0x1b], Some(Expected::Contains(b"x".to_vec()))),
        udp(b"ping", Some(pong)),
        query(".", (2, "NS"), None),
        query("www.example.com.", (1, "A"), Some("192.0.2.1")),
        query("_x.example.com", (28, "AAAA"), Some("2001:db8::1")),
    ];
    assert_eq!(checks, expected);
    let smtp = Check::Smtp(Smtp { hello: "director.example.com".into() });
    assert_eq!((&mail.monitors[0].check, mail.monitors[0].port), (&smtp, Some(25)));
}

#[test]
fn programs_get_what_mon_gives_and_what_the_file_adds() {
    let config = every_key();
    let exec = |index: usize| match &config.services[3].monitors[index].check {
        Check::Exec(exec) => exec.clone(),
        other => panic!("{other:?}"),
    };
    let variables = |more: &[(&str, &str)]| -> Vec<(String, String)> {
        let all = [&[("MON_GROUP", "mail"), ("MON_SERVICE", "mail")], more].concat();
        all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let program = || "/bin/true".into();
    let bare = Exec { program: program(), arguments: vec![], append_host: true, environment: variables(&[]) };
    assert_eq!(exec(2), bare);
    let arguments = vec!["-p".to_owned(), "25".to_owned()];
    let environment = variables(&[("LANG", "C")]);
    assert_eq!(exec(3), Exec { program: program(), arguments, append_host: false, environment });

    // A program beside the file, and a group that is a pool.
    let path = repository("tests/config/good/files.toml");
    let config = Config::load(&path).unwrap_or_else(|report| panic!("{report}"));
    let own = config.services[0].realservers[1].monitors.as_deref().unwrap();
    let Check::Exec(exec) = &own[0].check else { panic!("{own:?}") };
    assert_eq!(exec.program, repository("tests/config/good/alert.d/page-oncall"));
    let text = "[[pool]]\nname = 'p'\nrealservers = ['192.0.2.10']\n[[service]]\nname = 's'\npool = 'p'\n\
                address = '192.0.2.1'\nport = 80\nforward = 'nat'\n\
                monitor = { type = 'exec', command = '/bin/true' }";
    let monitors = super::parse(text).unwrap().services.remove(0).monitors;
    let Check::Exec(exec) = &monitors[0].check else { panic!("{monitors:?}") };
    assert_eq!(exec.environment[0], ("MON_GROUP".to_owned(), "p".to_owned()));
    assert_eq!(exec.environment[1], ("MON_SERVICE".to_owned(), "s".to_owned()));
}

#[test]
fn equal_monitors_are_one() {
    let own = "{ address = '192.0.2.N', monitor = { type = 'http', matches = 'up' } }";
    let list: Vec<String> = (10..20).map(|n| own.replace('N', &n.to_string())).collect();
    let one = |name: &str, port: u16| {
        format!(
            "[[service]]\nname = '{name}'\naddress = '192.0.2.1'\nport = {port}\nforward = 'nat'\n\
             monitor = {{ type = 'http', matches = 'up' }}\nrealservers = [{}]\n",
            list.join(", ")
        )
    };
    let config = super::parse(&(one("a", 80) + &one("b", 81))).unwrap();
    let first = &config.services[0].monitors[0];
    for service in &config.services {
        let own = service.realservers.iter().filter_map(|realserver| realserver.monitors.as_ref());
        let all: Vec<&Arc<Monitor>> = service.monitors.iter().chain(own.flatten()).collect();
        assert_eq!(all.len(), 11);
        assert!(all.iter().all(|monitor| Arc::ptr_eq(first, monitor)));
    }
}

#[test]
fn a_password_is_read_from_a_file_that_only_its_owner_may_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lvsd.toml");
    let text = "[[service]]\nname = 's'\naddress = '192.0.2.1'\nport = 80\nforward = 'nat'\n\
                realservers = ['192.0.2.10']\n\
                monitor = { type = 'http', user = 'monitor', password_file = 'password' }\n";
    let read = |content: &[u8], mode: u32| {
        let file = directory.path().join("password");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let config = Config::parse(&path, text.as_bytes()).map_err(|report| report.headline())?;
        let Check::Http(http) = &config.services[0].monitors[0].check else { panic!("{config:?}") };
        let credentials = http.credentials.clone().unwrap();
        assert_eq!(credentials.user, "monitor");
        Ok::<_, String>(credentials.password)
    };
    // (content, mode, password or what is wrong)
    let table: [(&[u8], u32, Result<&str, &str>); 9] = [
        (b"secret", 0o600, Ok("secret")),
        (b"secret\n", 0o400, Ok("secret")),
        (b" se cr\xc3\xa9t:\r\n", 0o600, Ok(" se cr\u{e9}t:")),
        (b"secret\n", 0o640, Err("\"password\" is open to others than its owner")),
        (b"secret\n", 0o604, Err("\"password\" is open to others than its owner")),
        (b"", 0o600, Err("\"password\" is empty")),
        (b"\n", 0o600, Err("\"password\" is empty")),
        (b"two\nlines\n", 0o600, Err("\"password\" is not one line of text")),
        (b"caf\xe9", 0o600, Err("\"password\" is not one line of text")),
    ];
    for (content, mode, expected) in table {
        match (read(content, mode), expected) {
            (Ok(password), Ok(expected)) => assert_eq!(password, expected),
            (Err(said), Err(expected)) => assert!(said.ends_with(expected), "{said}"),
            (read, expected) => panic!("{read:?} is not {expected:?}"),
        }
    }
}

#[test]
fn patience_is_the_time_of_the_slowest_monitor_to_a_verdict() {
    // (monitor, seconds)
    let table = [
        ("'none'", 1),
        ("'tcp'", 12),
        ("['tcp', { type = 'tcp', timeout = '5s', fall = 4 }]", 24),
        ("{ type = 'tcp', timeout = '60s', fall = 100 }", 60),
        ("{ type = 'tcp', timeout = '10ms', interval = '10ms', fall = 1 }", 1),
    ];
    for (written, seconds) in table {
        assert_eq!(watched(written).policy.patience, Duration::from_secs(seconds), "{written}");
    }
    let own = "address = '192.0.2.1'\nport = 80\nforward = 'nat'\n\
               realservers = [{ address = '192.0.2.10', monitor = { type = 'tcp', timeout = '9s' } }]";
    assert_eq!(service(own).policy.patience, Duration::from_secs(30));
}

#[test]
fn a_policy_is_what_the_file_says_or_careful() {
    let least = watched("'none'").policy;
    assert_eq!(least.on_failure, OnFailure::Remove);
    assert_eq!((least.min_serving, least.slow_start), (MinServing::Count(0), None));
    let config = every_key();
    let [http, https, ..] = config.services.as_slice() else { panic!("{config:?}") };
    assert_eq!(http.policy.on_failure, OnFailure::Quiesce);
    assert_eq!(http.policy.min_serving, MinServing::Percent(50));
    assert_eq!(http.policy.slow_start, Some(Duration::from_secs(30)));
    assert_eq!(https.policy.min_serving, MinServing::Count(1));
}

#[test]
fn a_fallback_is_forwarded_to_as_its_address_demands() {
    let fallback = |value: &str| {
        let keys = "address = '192.0.2.1'\nport = 80\nforward = 'tun'\nrealservers = ['192.0.2.10']";
        let fallback = service(&format!("{keys}\nfallback = {value}")).fallback.unwrap();
        assert_eq!(fallback.destination.weight, ipvs::Weight::ONE);
        (fallback.endpoint.to_string(), fallback.destination.forward)
    };
    let tunnel = Forward::Tunnel(ipvs::Encapsulation::Ipip);
    let table = [
        ("'127.0.0.1'", "127.0.0.1:80", Forward::Local),
        ("'127.0.0.1:8080'", "127.0.0.1:8080", Forward::Local),
        ("{ address = '127.1.2.3', port = 81 }", "127.1.2.3:81", Forward::Local),
        ("{ address = '127.0.0.1', forward = 'dr' }", "127.0.0.1:80", Forward::Route),
        ("'192.0.2.30'", "192.0.2.30:80", tunnel),
        ("{ address = '192.0.2.30', forward = 'nat', port = 81 }", "192.0.2.30:81", Forward::Masquerade),
    ];
    for (written, endpoint, forward) in table {
        assert_eq!(fallback(written), (endpoint.to_owned(), forward), "{written}");
    }
}

#[test]
fn dependencies_are_services_and_addresses() {
    let config = every_key();
    let depends = |index: usize| config.services[index].depends.clone();
    let on = |name: &str| Dependency::Service(Name::new(name).unwrap());
    let ping = |address: &str| Dependency::Ping(address.parse().unwrap());
    assert_eq!(depends(0), [ping("192.0.2.1"), ping("2001:db8::1"), on("dns")]);
    assert_eq!(depends(1), [on("http")]);
    assert_eq!(depends(2), []);
}

#[test]
fn only_services_that_go_round_are_refused() {
    // (edges, how many problems)
    let table = [
        ("ab bc cd ad bd", 0),
        ("ab ba", 1),
        ("ab bc ca dc ed", 1),
        ("ab ba cd dc", 2),
        ("ab bc cb ca", 2),
        ("da ab bc cd", 1),
    ];
    for (edges, expected) in table {
        let one = |(index, name): (usize, char)| {
            let on: Vec<String> =
                edges.split(' ').filter_map(|edge| Some(format!("'{}'", edge.strip_prefix(name)?))).collect();
            format!(
                "[[service]]\nname = '{name}'\naddress = '192.0.2.1'\nport = {}\nforward = 'nat'\n\
                 realservers = ['192.0.2.10']\nmonitor = 'none'\ndepends = [{}]\n",
                80 + index,
                on.join(", ")
            )
        };
        let text: String = "abcde".chars().enumerate().map(one).collect();
        let parsed = Config::parse("f".as_ref(), text.as_bytes());
        assert_eq!(parsed.map_or_else(|report| report.count(), |_| 0), expected, "{edges}");
    }
}
