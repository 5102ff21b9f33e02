//! Talks to a real kernel; every test in a network namespace of its own.
use ipvs::*;
#[test]
fn smoke() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    assert!(std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let mut c = Connection::open().unwrap();
    println!("{:?}", c.info());
    println!("{:?}", c.timeouts());
    println!("{:?}", c.daemons());
    println!("{:?}", c.list());
    let id = ServiceId::Address {
        protocol: Protocol::Tcp,
        endpoint: Endpoint::new("192.0.2.1".parse().unwrap(), 80).unwrap(),
    };
    println!("{:?}", c.observe(id));
    println!(
        "{:?}",
        c.apply(&[
            Op::AddService(id, Service::new(Scheduler::new("wlc").unwrap())),
            Op::AddDestination {
                service: id,
                endpoint: Endpoint::new("10.0.0.1".parse().unwrap(), 80).unwrap(),
                destination: Destination::new(Forward::Route)
            },
            Op::DeleteDestination {
                service: id,
                endpoint: Endpoint::new("10.0.0.2".parse().unwrap(), 80).unwrap()
            }
        ])
    );
    println!("{:?}", c.observe(id));
    println!("{:?}", c.list());
    println!("{:?}", c.stop_daemon(Role::Master));
}
