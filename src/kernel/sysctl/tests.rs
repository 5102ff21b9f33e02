use std::fs;
use std::path::Path;

use super::{Error, Sysctl, Sysctls};
use crate::config::Interface;

fn send_redirects(interface: &str) -> Sysctl {
    Sysctl::SendRedirects(Interface::new(interface).unwrap())
}

fn set(root: &Path, path: &str, value: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, value).unwrap();
}

#[test]
fn each_setting_has_its_file_and_its_name() {
    let cases = [
        (Sysctl::Ipv4Forward, "net/ipv4/ip_forward", "net.ipv4.ip_forward"),
        (Sysctl::Ipv6Forward, "net/ipv6/conf/all/forwarding", "net.ipv6.conf.all.forwarding"),
        (send_redirects("eth0"), "net/ipv4/conf/eth0/send_redirects", "net.ipv4.conf.eth0.send_redirects"),
        (
            send_redirects("eth0.7"),
            "net/ipv4/conf/eth0.7/send_redirects",
            "net.ipv4.conf.eth0/7.send_redirects",
        ),
        (Sysctl::SendRedirectsAll, "net/ipv4/conf/all/send_redirects", "net.ipv4.conf.all.send_redirects"),
    ];
    for (sysctl, path, name) in cases {
        assert_eq!(sysctl.path(), Path::new(path));
        assert_eq!(sysctl.to_string(), name);
    }
}

#[test]
fn values_are_read_as_the_kernel_prints_them() {
    let root = tempfile::tempdir().unwrap();
    let sysctls = Sysctls::under(root.path());
    assert_eq!(sysctls.read(&Sysctl::Ipv4Forward).unwrap(), None);
    for (text, value) in [("0\n", false), ("1\n", true), ("2\n", true), ("-1\n", true), ("1", true)] {
        set(root.path(), "net/ipv4/ip_forward", text);
        assert_eq!(sysctls.read(&Sysctl::Ipv4Forward).unwrap(), Some(value), "{text:?}");
    }
    for text in ["", "\n", "on\n", "1 1\n", "99999999999\n", "\u{0}"] {
        set(root.path(), "net/ipv4/ip_forward", text);
        let error = sysctls.read(&Sysctl::Ipv4Forward).unwrap_err();
        assert!(matches!(error, Error::NotANumber(..)), "{text:?}: {error}");
        assert!(sysctls.write(&Sysctl::Ipv4Forward, true).is_err(), "{text:?}");
    }
}

#[test]
fn only_what_differs_is_written() {
    let root = tempfile::tempdir().unwrap();
    let sysctls = Sysctls::under(root.path());
    let path = root.path().join("net/ipv4/ip_forward");
    set(root.path(), "net/ipv4/ip_forward", "2\n");

    assert!(sysctls.write(&Sysctl::Ipv4Forward, true).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n", "on is on, whatever the number");
    assert!(sysctls.write(&Sysctl::Ipv4Forward, false).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "0\n");
    assert!(!sysctls.write(&Sysctl::Ipv4Forward, true).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
}

#[test]
fn what_is_not_there_is_not_made() {
    let root = tempfile::tempdir().unwrap();
    let sysctls = Sysctls::under(root.path());
    for (sysctl, remedy) in [
        (Sysctl::Ipv6Forward, "no IPv6"),
        (send_redirects("eth7"), "no interface eth7"),
        (Sysctl::Ipv4Forward, "mounted"),
    ] {
        let error = sysctls.write(&sysctl, true).unwrap_err();
        assert!(matches!(error, Error::Absent(_)), "{error:?}");
        assert!(error.to_string().contains(remedy), "{error}");
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("net/ipv4/ip_forward")).unwrap();
    let error = Sysctls::under(root.path()).write(&Sysctl::Ipv4Forward, true).unwrap_err();
    assert!(matches!(error, Error::Read(..)), "{error:?}");
}

#[test]
fn a_value_that_does_not_stay_is_an_error() {
    // To write 0 to this file resets the value instead: a setting with a will of its own.
    let stubborn = Path::new("/proc/self/timerslack_ns");
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("net/ipv4")).unwrap();
    std::os::unix::fs::symlink(stubborn, root.path().join("net/ipv4/ip_forward")).unwrap();
    let error = Sysctls::under(root.path()).write(&Sysctl::Ipv4Forward, false).unwrap_err();
    assert!(matches!(error, Error::NotKept(_, true)), "{error:?}");
    assert_eq!(error.to_string(), "net.ipv4.ip_forward is still 1 after writing it");
}

#[test]
fn the_value_of_all_overrides_that_of_an_interface_only_when_it_is_on() {
    let root = tempfile::tempdir().unwrap();
    let sysctls = Sysctls::under(root.path());
    let all = Some(Sysctl::SendRedirectsAll);
    // all, wanted of the interface, what overrides it
    for (value, wanted, expected) in
        [("1", false, all), ("1", true, None), ("0", false, None), ("0", true, None)]
    {
        set(root.path(), "net/ipv4/conf/all/send_redirects", value);
        let overriding = sysctls.overriding(&send_redirects("eth0"), wanted).unwrap();
        assert_eq!(overriding, expected, "all {value}, wanted {wanted}");
    }
    for alone in [Sysctl::Ipv4Forward, Sysctl::Ipv6Forward, Sysctl::SendRedirectsAll] {
        assert_eq!((alone.overridden_by(true), alone.overridden_by(false)), (None, None), "{alone}");
    }
}
