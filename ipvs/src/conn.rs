//! The connection to the kernel's IPVS.

mod error;
mod family;
mod module;
mod socket;

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};

pub use error::{Error, Failure};
use socket::Socket;

use crate::refusal::Refusal;
use crate::window::{Lost, Reply, Window};
use crate::wire::{self, Request};
use crate::{Info, Listing, Observed, Op, Role, Scheduler, ServiceId, SyncDaemon, Timeouts, Unknown};

/// How often the services are dumped before a listing makes do with what it has seen.
const MAX_DUMPS: usize = 8;

/// A connection to the IPVS of the network namespace that it was opened in.
///
/// It blocks, but not for ever: an answer that does not come is an [`Error::Overrun`].
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    window: Window,
    writes: u64,
    /// The schedulers whose modules have been asked for.
    schedulers: HashSet<Scheduler>,
}

impl Connection {
    /// Opens a connection; loads the kernel's module `ip_vs` when that is missing.
    pub fn open() -> Result<Self, Error> {
        let handle =
            socket::connect().map_err(|source| Error::Socket { attempt: "open a netlink socket", source })?;
        let family = family::resolve(&handle)?;
        let socket = Socket::new(handle);
        Ok(Self { window: Window::new(family, socket.port()), socket, writes: 0, schedulers: HashSet::new() })
    }

    /// How many requests were sent that change something, since the connection was opened.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Reads the whole table.
    pub fn list(&mut self) -> Result<Listing, Error> {
        let mut unknown = Vec::new();
        let mut services = self.services(&mut unknown)?;
        let dumps: Vec<_> = services.iter().map(|service| Request::Destinations(service.id)).collect();
        self.ask_all(&dumps, |index, object| {
            if let Some(service) = services.get_mut(index) {
                add_destination(service, &mut unknown, object);
            }
        })?;
        for service in &mut services {
            drop_repeats(&mut service.destinations, |destination| destination.endpoint);
        }
        self.retain_present(&mut services)?;
        Ok(Listing { services, unknown })
    }

    /// Reads the services without their destinations, until two dumps agree.
    ///
    /// The kernel has the services of all network namespaces in one row and goes on with a dump by their
    /// number: whoever deletes some, in whichever namespace, hides as many others. What any dump has shown is
    /// there, or was until a moment ago.
    fn services(&mut self, unknown: &mut Vec<Unknown>) -> Result<Vec<Observed>, Error> {
        let mut services = Vec::new();
        let mut last = None;
        for _ in 0..MAX_DUMPS {
            let first = services.len();
            self.ask(Request::Services, |object| match wire::read_service(object) {
                Ok(service) => services.push(service),
                Err(it) => unknown.push(it),
            })?;
            let ids: Vec<_> = services.iter().skip(first).map(|service| service.id).collect();
            if last.as_ref() == Some(&ids) {
                break;
            }
            last = Some(ids);
        }
        drop_repeats(&mut services, |service| service.id);
        drop_repeats(unknown, Unknown::clone);
        Ok(services)
    }

    /// Drops what vanished during the listing: a missing service's destinations are an empty list, no error.
    fn retain_present(&mut self, services: &mut Vec<Observed>) -> Result<(), Error> {
        let empty = services.iter().filter(|service| service.destinations.is_empty());
        let questions: Vec<_> = empty.map(|service| Request::Service(service.id)).collect();
        let mut missing = HashSet::new();
        let mut refused = None;
        self.run(&questions, |request, _, outcome| match (request, outcome) {
            (_, Ok(_)) => {}
            (Request::Service(id), Err(Refusal::NoService)) => drop(missing.insert(*id)),
            (_, Err(refusal)) => refused = Some(refused_to(request, refusal)),
        })?;
        services.retain(|service| !missing.contains(&service.id));
        refused.map_or(Ok(()), Err)
    }

    /// Reads one service and its destinations, if it is there.
    pub fn observe(&mut self, id: ServiceId) -> Result<Option<Observed>, Error> {
        let requests = [Request::Service(id), Request::Destinations(id)];
        let mut answer = None;
        let mut failed = None;
        self.run(&requests, |request, _, outcome| match (request, outcome) {
            (Request::Service(_), Ok(object)) => match wire::read_service(object) {
                Ok(service) => answer = Some(Some(service)),
                Err(unknown) => failed = Some(unreadable(request, unknown)),
            },
            (Request::Service(_), Err(Refusal::NoService)) => answer = Some(None),
            (_, Ok(object)) => match (wire::read_destination(id, object), &mut answer) {
                (Ok(destination), Some(Some(service))) => service.destinations.push(destination),
                (Ok(_), _) => {}
                (Err(unknown), _) => failed = Some(unreadable(request, unknown)),
            },
            (_, Err(refusal)) => failed = Some(refused_to(request, refusal)),
        })?;
        if let Some(Some(service)) = &mut answer {
            drop_repeats(&mut service.destinations, |destination| destination.endpoint);
        }
        match failed {
            None => answer.ok_or(Error::Overrun),
            Some(error) => Err(error),
        }
    }

    /// Applies the operations in their order and gives those that were refused; the others have been done.
    pub fn apply(&mut self, ops: &[Op]) -> Result<Vec<Failure>, Error> {
        self.load_schedulers(ops);
        let requests: Vec<_> = ops.iter().map(Request::Change).collect();
        let mut failures = Vec::new();
        self.run(&requests, |request, index, outcome| {
            if let (&Request::Change(op), Err(refusal)) = (request, outcome) {
                let op = op.clone();
                failures.push(Failure { index, op, refusal });
            }
        })?;
        Ok(failures)
    }

    /// Loads the modules of schedulers when they are first used.
    ///
    /// The kernel would do so by itself, but with IPVS locked, and waits for ever where the module (`lblc`,
    /// `lblcr`) has to wait for a network namespace that is going away, which waits for IPVS.
    fn load_schedulers(&mut self, ops: &[Op]) {
        for op in ops {
            if let Op::AddService(_, service) | Op::EditService(_, service) = op
                && !self.schedulers.contains(&service.scheduler)
            {
                module::load(&format!("ip_vs_{}", service.scheduler));
                self.schedulers.insert(service.scheduler.clone());
            }
        }
    }

    /// Reads the timeouts.
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.read(Request::Timeouts, wire::read_timeouts)
    }

    /// Sets the timeouts.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), Error> {
        self.ask(Request::SetTimeouts(timeouts), |_| {})
    }

    /// Zeroes the counters of one service and its destinations, or of all.
    pub fn zero(&mut self, id: Option<ServiceId>) -> Result<(), Error> {
        self.ask(Request::Zero(id), |_| {})
    }

    /// Deletes all services; the kernel then resets their clients.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.ask(Request::Flush, |_| {})
    }

    /// Reads what the kernel says about its IPVS.
    pub fn info(&mut self) -> Result<Info, Error> {
        self.read(Request::Info, wire::read_info)
    }

    /// Lists the synchronisation daemons that run.
    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        let mut daemons = Vec::new();
        self.ask(Request::Daemons, |object| {
            daemons.push(wire::read_daemon(object));
        })?;
        let daemons: Result<_, _> = daemons.into_iter().collect();
        daemons.map_err(|unknown| unreadable(&Request::Daemons, unknown))
    }

    /// Starts a synchronisation daemon.
    pub fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Error> {
        self.ask(Request::StartDaemon(daemon), |_| {})
    }

    /// Stops the synchronisation daemon of a role.
    ///
    /// For one that was started a moment ago this may be an [`Error::Overrun`] although it is gone: stopping a
    /// thread that has not run yet gives EINTR, which netlink never reports.
    pub fn stop_daemon(&mut self, role: Role) -> Result<(), Error> {
        self.ask(Request::StopDaemon(role), |_| {})
    }

    /// Sends a request whose answer is one object.
    fn read<T>(
        &mut self,
        request: Request<'_>,
        read: impl Fn(&[u8]) -> Result<T, Unknown>,
    ) -> Result<T, Error> {
        let mut answer = None;
        self.ask(request, |object| answer = Some(read(object)))?;
        answer.ok_or(Error::Overrun)?.map_err(|unknown| unreadable(&request, unknown))
    }

    /// Sends a request and hands over the objects of its answer.
    fn ask(&mut self, request: Request<'_>, mut each: impl FnMut(&[u8])) -> Result<(), Error> {
        self.ask_all(&[request], |_, object| each(object))
    }

    /// Sends requests that must not fail, and hands over each object with its request's place.
    fn ask_all(&mut self, requests: &[Request<'_>], mut each: impl FnMut(usize, &[u8])) -> Result<(), Error> {
        let mut refused = None;
        self.run(requests, |request, index, outcome| match outcome {
            Ok(object) => each(index, object),
            Err(refusal) => refused = Some(refused_to(request, refusal)),
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// Sends the requests in as few batches as they fit, and hands over each answer with its request and
    /// place.
    fn run<'r>(
        &mut self,
        requests: &[Request<'r>],
        mut each: impl FnMut(&Request<'r>, usize, Result<&[u8], Refusal>),
    ) -> Result<(), Error> {
        let mut rest = requests;
        let mut first = 0;
        while !rest.is_empty() {
            self.window.open();
            let count = rest.iter().take_while(|request| self.window.push(request)).count();
            let (batch, later) = rest.split_at(count);
            self.writes += batch.iter().map(|request| u64::from(request.is_write())).sum::<u64>();
            self.exchange(|Reply { index, outcome }| {
                if let Some(request) = batch.get(index) {
                    let outcome = outcome.map_err(|errno| Refusal::new(request, errno));
                    each(request, first + index, outcome);
                }
            })?;
            first += count;
            rest = later;
        }
        Ok(())
    }

    /// Sends the window's batch and hands over the replies until it has ended.
    fn exchange(&mut self, mut each: impl FnMut(Reply<'_>)) -> Result<(), Error> {
        self.socket
            .send(self.window.close())
            .map_err(|source| Error::Socket { attempt: "send to the kernel", source })?;
        loop {
            let datagram = self
                .socket
                .receive()
                .map_err(|source| Error::Socket { attempt: "receive from the kernel", source })?;
            match datagram.ok_or(Lost).and_then(|datagram| self.window.receive(datagram, &mut each)) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                Err(Lost) => {
                    self.socket.drain();
                    return Err(Error::Overrun);
                }
            }
        }
    }
}

/// A dump gives an object twice when others are added meanwhile.
fn drop_repeats<T, K: Eq + Hash>(objects: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let mut seen = HashSet::new();
    objects.retain(|object| seen.insert(key(object)));
}

fn add_destination(service: &mut Observed, unknown: &mut Vec<Unknown>, object: &[u8]) {
    match wire::read_destination(service.id, object) {
        Ok(destination) => service.destinations.push(destination),
        Err(it) => unknown.push(it),
    }
}

fn refused_to(request: &Request<'_>, refusal: Refusal) -> Error {
    let attempt = request.to_string();
    Error::Refused { attempt, refusal }
}

fn unreadable(request: &Request<'_>, unknown: Unknown) -> Error {
    let attempt = request.to_string();
    Error::Unreadable { attempt, unknown }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
