//! A network namespace of its own, alive as long as its value: nothing is left behind on any exit.

use std::{
    fs::{self, File},
    os::fd::{AsRawFd, RawFd},
    panic, thread,
};

use nix::sched::{CloneFlags, setns, unshare};

use super::rtnl::Rtnl;

pub(crate) struct Namespace {
    handle: File,
    pub(crate) rtnl: Rtnl,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace");
            let handle = File::open("/proc/thread-self/ns/net").expect("the new namespace's handle");
            let rtnl = Rtnl::new();
            rtnl.set_up("lo");
            Self { handle, rtnl }
        });
        made.join().expect("the thread that makes a namespace")
    }

    /// Runs a closure inside. Sockets it opens and processes it starts stay in the namespace, wherever
    /// they are used afterwards.
    pub(crate) fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let visitor = scope.spawn(|| {
                setns(&self.handle, CloneFlags::CLONE_NEWNET).expect("entering a namespace");
                inside()
            });
            visitor.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
        })
    }

    /// Sets `net.NAME`, written with slashes: `ipv4/ip_forward`.
    pub(crate) fn set_sysctl(&self, name: &str, value: &str) {
        self.enter(|| fs::write(format!("/proc/sys/net/{name}"), value))
            .unwrap_or_else(|error| panic!("net/{name} = {value}: {error}"));
    }

    pub(crate) fn sysctl(&self, name: &str) -> Option<String> {
        let value = self.enter(|| fs::read_to_string(format!("/proc/sys/net/{name}"))).ok()?;
        Some(value.trim_end().to_owned())
    }
}

impl AsRawFd for Namespace {
    fn as_raw_fd(&self) -> RawFd {
        self.handle.as_raw_fd()
    }
}
