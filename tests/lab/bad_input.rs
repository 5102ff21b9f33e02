//! What cannot be done is refused before anything is done, and the message says what to do about it.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    director::{Director, complaint},
    lone::Lone,
    patience::until,
    stage::{config, service},
};

const WEB: &str = "vip = 'web'\nport = 80\nscheduler = 'rr'\nforward = 'nat'";
const RS1: &str = "{ name = 'rs1', address = '192.168.71.101' }";

fn web() -> String {
    service(WEB, [RS1.to_owned()])
}

/// lvsd refuses to run, says all of this, and has touched nothing.
#[track_caller]
fn refuses(lone: &Lone, director: &Director, prefix: &[&str], words: &[&str]) {
    let before = lone.snapshot();
    let said = director.refused(prefix);
    for word in words {
        assert!(said.contains(word), "{word:?} in {said}");
    }
    assert_eq!(lone.snapshot(), before);
}

#[test]
fn a_file_that_is_none() {
    let lone = Lone::new();
    let director = lone.director("");
    let file = director.config();
    let whole = config(&web());

    fs::remove_file(&file).unwrap();
    refuses(
        &lone,
        &director,
        &[],
        &["lvsd.toml", "No such file or directory", "create it, or name another one"],
    );

    fs::create_dir(&file).unwrap();
    refuses(&lone, &director, &[], &["lvsd.toml", "Is a directory", "name a file in it"]);
    fs::remove_dir(&file).unwrap();

    director.write(whole.trim_end().trim_end_matches(']'));
    refuses(&lone, &director, &[], &["lvsd.toml:", "unclosed array", "help: "]);

    fs::write(&file, [b"name = '", &[0xff, 0xfe][..], b"'\n"].concat()).unwrap();
    refuses(&lone, &director, &[], &["lvsd.toml:1:9: this is not UTF-8", "save the file as UTF-8"]);

    director.write("");
    refuses(&lone, &director, &[], &["nothing is configured", "add a [[vip]] and a [[service]]"]);

    director.write(&whole);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"];
    refuses(&lone, &director, &unprivileged, &["lvsd.toml", "Permission denied", "let this user read it"]);
}

#[test]
fn ten_thousand_mistakes_are_told_in_seconds() {
    let lone = Lone::new();
    let mut file = config(&web());
    for number in 0..10_000 {
        writeln!(file, "[[service]]\nname = 's{number}'\nscheduler = 'x{number}'").unwrap();
    }
    let director = lone.director("");
    director.write(&file);

    let start = Instant::now();
    refuses(&lone, &director, &[], &["problems", "is not a scheduler"]);
    // An optimised daemon needs milliseconds; this one is neither optimised nor on a machine of its own.
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert!(director.refused(&[]).len() < 100_000);
}

#[test]
fn an_interface_that_is_not_there() {
    let lone = Lone::new();
    let director = lone.director("");
    director.write(&config(&web()).replace("eth0", "eth7"));
    refuses(&lone, &director, &[], &["vip web: this machine has no interface eth7; it has eth0, lo"]);
}

#[test]
fn a_scheduler_that_does_not_exist_and_one_that_this_kernel_lacks() {
    let lone = Lone::new();
    let director = lone.director(&web().replace("'rr'", "'roundrobin'"));
    refuses(&lone, &director, &[], &["lvsd.toml:", "roundrobin", "help: "]);

    director.write(&config(&web().replace("'rr'", "'twos'")));
    let words = ["tcp 192.168.71.205:80", "the kernel has no scheduler twos (module ip_vs_twos)"];
    let before = lone.snapshot();
    let said = director.refused(&[]);
    for word in words {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(lone.snapshot().kernel(), before);
}

#[test]
fn a_service_of_somebody_else_in_the_way_until_it_is_adopted() {
    let lone = Lone::new();
    lone.node.run(["ipvsadm", "-A", "-t", "192.168.71.205:80", "-s", "wlc"]);
    let mut director = lone.director(&web());
    let words = ["tcp 192.168.71.205:80 (service web)", "ipvsadm -D", "--adopt"];
    refuses(&lone, &director, &[], &words);
    let plan = complaint(&director.plan());
    assert!(plan.contains("tcp 192.168.71.205:80 (service web)"), "{plan}");

    director.start_with(&["--adopt"]);
    let rules = lone.rules();
    assert!(rules.starts_with("-A -t 192.168.71.205:80 -s rr\n-a "), "{rules}");

    // It is its own from now on.
    director.stop(Signal::SIGTERM);
    director.start_again();
}

#[test]
fn a_service_of_somebody_else_that_is_the_same_is_in_nobodys_way() {
    let lone = Lone::new();
    lone.node.run(["ipvsadm", "-A", "-t", "192.168.71.205:80", "-s", "rr"]);
    lone.node.run(["ipvsadm", "-a", "-t", "192.168.71.205:80", "-r", "192.168.71.101", "-m"]);
    let _director = lone.direct(&web());
}

#[test]
fn no_privilege() {
    let lone = Lone::new();
    let director = lone.director(&web());
    let unprivileged = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"];
    refuses(&lone, &director, &unprivileged, &["CAP_NET_ADMIN"]);
}

#[test]
fn a_second_daemon() {
    let lone = Lone::new();
    let director = lone.direct(&web());
    refuses(&lone, &director, &[], &["another lvsd is running: it holds ", "/lock"]);

    // Even where the other one's state is not its own.
    let elsewhere = lone.node.directory().join("elsewhere");
    let elsewhere = format!("STATE_DIRECTORY={}", elsewhere.display());
    refuses(&lone, &director, &["env", &elsewhere], &["lvsd.sock", "another lvsd answers there"]);
    assert_eq!(director.happened().iter().filter(|event| event.kind == "kernel_error").count(), 0);
}

#[test]
fn a_damaged_state_is_put_aside_and_the_kernel_adopted() {
    let lone = Lone::new();
    let mut director = lone.direct(&web());
    director.stop(Signal::SIGKILL);
    let before = lone.snapshot();

    fs::write(director.state(), "{\"boot\": \"").unwrap();
    let plan = complaint(&director.plan());
    assert!(plan.contains("the state file is damaged"), "{plan}");

    director.start_again();
    let told: Vec<_> = director.happened().into_iter().filter(|event| event.kind == "state_error").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].what.contains("state.json.damaged"), "{told:?}");
    assert_eq!(fs::read_to_string(director.state().with_extension("json.damaged")).unwrap(), "{\"boot\": \"");
    assert_eq!(lone.rules(), before.rules);
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let lone = Lone::new();
    let director = lone.director(&web());
    let blocked = lone.node.directory().join("lvsd.toml");
    let state = format!("STATE_DIRECTORY={}", blocked.join("state").display());
    refuses(&lone, &director, &["env", &state], &["create ", "lvsd.toml/state", "Not a directory"]);

    fs::create_dir(director.state().with_extension("json.new")).unwrap();
    refuses(&lone, &director, &[], &["write ", "state.json", "Is a directory"]);
}

#[test]
fn a_socket_that_cannot_be_made() {
    let lone = Lone::new();
    let director = lone.director(&web());
    fs::create_dir(director.socket()).unwrap();
    refuses(&lone, &director, &[], &["listen at ", "lvsd.sock"]);
    fs::remove_dir(director.socket()).unwrap();

    fs::write(director.socket(), "precious").unwrap();
    refuses(&lone, &director, &[], &["listen at ", "lvsd.sock"]);
    assert_eq!(fs::read_to_string(director.socket()).unwrap(), "precious");
}

#[test]
fn nobody_to_talk_to() {
    let lone = Lone::new();
    let director = lone.director(&web());
    for command in ["reload", "events"] {
        let said = complaint(&director.lvsd([command]));
        assert!(said.contains("no daemon answers at "), "{said}");
        assert!(said.contains("is `lvsd run` running?"), "{said}");
    }
}

#[test]
fn a_daemon_whose_file_turned_bad_goes_on() {
    let lone = Lone::new();
    let director = lone.direct(&web());
    let before = lone.snapshot();
    for garbage in [&b""[..], b"\0\0\0\0", b"[[service]]\nname = 'web'\n", &[0xff; 4096]] {
        fs::write(director.config(), garbage).unwrap();
        complaint(&director.lvsd(["reload"]));
    }
    assert_eq!(lone.snapshot(), before);
    lone.node.run(["ipvsadm", "-C"]);
    until("it still repairs", || lone.rules() == before.rules);
}
