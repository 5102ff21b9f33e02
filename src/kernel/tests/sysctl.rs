use std::fs;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};

use super::{enter_new_network, interface, ip};
use crate::kernel::sysctl::{Error, Sysctl, Sysctls};

#[test]
#[ignore = "needs the lab's kernel"]
fn settings_are_those_of_the_kernel() {
    enter_new_network();
    ip("link add vlan.7 type dummy");
    let sysctls = Sysctls::default();
    for (sysctl, path) in [
        (Sysctl::Ipv4Forward, "net/ipv4/ip_forward"),
        (Sysctl::Ipv6Forward, "net/ipv6/conf/all/forwarding"),
        (Sysctl::SendRedirects(interface("vlan.7")), "net/ipv4/conf/vlan.7/send_redirects"),
        (Sysctl::SendRedirectsAll, "net/ipv4/conf/all/send_redirects"),
    ] {
        for value in [true, false, true] {
            sysctls.write(&sysctl, value).unwrap();
            let text = fs::read_to_string(format!("/proc/sys/{path}")).unwrap();
            assert_eq!(text.trim(), if value { "1" } else { "0" }, "{sysctl}");
            assert_eq!(sysctls.read(&sysctl).unwrap(), Some(value), "{sysctl}");
        }
    }
    let elsewhere = Sysctl::SendRedirects(interface("eth7"));
    assert_eq!(sysctls.read(&elsewhere).unwrap(), None);
}

#[test]
#[ignore = "needs the lab's kernel"]
fn redirects_are_sent_by_default_whatever_an_interface_says() {
    enter_new_network();
    ip("link add eth0 type dummy");
    let (sysctls, eth0) = (Sysctls::default(), Sysctl::SendRedirects(interface("eth0")));
    assert!(sysctls.write(&eth0, false).unwrap());
    assert_eq!(sysctls.overriding(&eth0, false).unwrap(), Some(Sysctl::SendRedirectsAll));
    assert!(sysctls.write(&Sysctl::SendRedirectsAll, false).unwrap());
    assert_eq!(sysctls.overriding(&eth0, false).unwrap(), None);
}

#[test]
#[ignore = "needs the lab's kernel"]
fn where_settings_are_read_only_the_error_says_what_helps() {
    enter_new_network();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    for arguments in ["--make-rprivate /", "--bind /proc/sys /proc/sys", "-o remount,bind,ro /proc/sys"] {
        assert!(Command::new("mount").args(arguments.split(' ')).status().unwrap().success());
    }
    let sysctls = Sysctls::default();
    assert!(
        !sysctls.write(&Sysctl::Ipv4Forward, false).unwrap(),
        "what is right already needs no permission"
    );
    let error = sysctls.write(&Sysctl::Ipv4Forward, true).unwrap_err();
    assert!(matches!(error, Error::NotPermitted(..)), "{error:?}");
}
