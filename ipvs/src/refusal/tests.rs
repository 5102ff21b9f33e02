use super::*;
use crate::{
    Destination, Endpoint, Persistence, PersistenceTimeout, Protocol, Role, Service, ServiceId, SyncDaemon,
    Timeouts,
};

fn endpoint(text: &str) -> Endpoint {
    Endpoint::new(text.parse().unwrap(), 80).unwrap()
}

#[test]
fn an_errno_means_what_it_means_for_its_request() {
    let id = ServiceId::Address { protocol: Protocol::Tcp, endpoint: endpoint("192.0.2.1") };
    let plain = Service::new(Scheduler::new("rr").unwrap());
    let timeout = PersistenceTimeout::from_seconds(60).unwrap();
    let engine = EngineName::new("sip").unwrap();
    let persistence = Some(Persistence { timeout, engine: Some(engine) });
    let sip = Service { persistence, ..plain.clone() };
    let add_service = Op::AddService(id, plain);
    let edit_sip = Op::EditService(id, sip);
    let delete_service = Op::DeleteService(id);
    let destination = Destination::new(Forward::Route);
    let add = |address| Op::AddDestination { service: id, endpoint: endpoint(address), destination };
    let (add_here, add_other) = (add("10.0.0.1"), add("2001:db8::1"));
    let edit = Op::EditDestination { service: id, endpoint: endpoint("10.0.0.1"), destination };
    let delete = Op::DeleteDestination { service: id, endpoint: endpoint("10.0.0.1") };
    let daemon = SyncDaemon {
        role: Role::Master,
        interface: Interface::new("eth7").unwrap(),
        sync_id: 1,
        max_length: None,
        group: None,
        port: None,
        ttl: None,
    };
    let cases = [
        (
            Request::Services,
            EPERM,
            "permission denied; IPVS needs CAP_NET_ADMIN in the initial user namespace, even to read",
        ),
        (Request::Change(&add_service), ENOMEM, "the kernel is out of memory"),
        (Request::Change(&add_service), EAFNOSUPPORT, "the kernel has no support for the address family"),
        (Request::Change(&add_service), EEXIST, "the service already exists"),
        (Request::Change(&add_service), ENOENT, "the kernel has no scheduler rr (module ip_vs_rr)"),
        (
            Request::Change(&edit_sip),
            ENOENT,
            "the kernel has no persistence engine sip (module ip_vs_pe_sip) or no scheduler rr (module ip_vs_rr)",
        ),
        (Request::Change(&edit_sip), ESRCH, "there is no such service"),
        (Request::Change(&delete_service), ESRCH, "there is no such service"),
        (Request::Zero(Some(id)), ESRCH, "there is no such service"),
        (Request::Change(&add_here), EEXIST, "the destination already exists"),
        (Request::Change(&add_here), ESRCH, "there is no such service"),
        (
            Request::Change(&add_here),
            EINVAL,
            "the destination's address is link-local, or loopback was never up in this network namespace",
        ),
        (
            Request::Change(&add_other),
            EINVAL,
            "a destination of another address family than its service needs a tunnel",
        ),
        (Request::Change(&edit), ENOENT, "the service has no such destination"),
        (Request::Change(&edit), ERANGE, "the kernel finds something in it invalid"),
        (Request::Change(&delete), ENOENT, "the service has no such destination"),
        (Request::StartDaemon(&daemon), EEXIST, "the synchronisation daemon already runs"),
        (Request::StartDaemon(&daemon), ENODEV, "there is no interface eth7"),
        (Request::StopDaemon(Role::Backup), ESRCH, "the synchronisation daemon does not run"),
        (Request::SetTimeouts(Timeouts::default()), EINVAL, "a timeout is too long for the kernel"),
        (Request::Flush, 95, "errno 95"),
    ];
    for (request, errno, expected) in cases {
        assert_eq!(Refusal::new(&request, errno).to_string(), expected, "{request}: {errno}");
    }
}
