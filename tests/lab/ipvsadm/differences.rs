//! The rows of `docs/ipvsadm.md`.

use std::fs;

use super::{Answer, Lab, State, Tool, machine, machines};

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
        ("-A -t [::ffff:1.2.3.4]:80", "::ffff:1.2.3.4 is an IPv4 address in IPv6 form; write it as IPv4\n"),
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
