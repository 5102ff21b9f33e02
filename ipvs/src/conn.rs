//! The connection to the kernel's IPVS.

mod error;
mod family;
mod socket;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};

pub use error::{Error, Failure};
use socket::Socket;

use crate::refusal::Refusal;
use crate::window::{Lost, Reply, Window};
use crate::wire::{self, Request};
use crate::{Info, Listing, Observed, Op, Role, ServiceId, SyncDaemon, Timeouts, Unknown};

/// A connection to the IPVS of the network namespace that it was opened in.
///
/// It blocks, but not for ever: an answer that does not come is an [`Error::Overrun`].
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    window: Window,
    writes: u64,
}

impl Connection {
    /// Opens a connection; loads the kernel's module `ip_vs` when that is missing.
    pub fn open() -> Result<Self, Error> {
        let handle =
            socket::connect().map_err(|source| Error::Socket { attempt: "open a netlink socket", source })?;
        let family = family::resolve(&handle)?;
        let socket = Socket::new(handle);
        Ok(Self { window: Window::new(family, socket.port()), socket, writes: 0 })
    }

    /// How many requests were sent that change something, since the connection was opened.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Reads the whole table.
    pub fn list(&mut self) -> Result<Listing, Error> {
        let mut services = Vec::new();
        let mut unknown = Vec::new();
        self.ask(&Request::Services, |object| match wire::read_service(object) {
            Ok(service) => services.push(service),
            Err(it) => unknown.push(it),
        })?;
        // An object may come twice when others are added during the dump.
        let mut seen = HashSet::new();
        services.retain(|service: &Observed| seen.insert(service.id));

        let mut gone = HashSet::new();
        for service in &mut services {
            let id = service.id;
            self.ask(&Request::Destinations(id), |object| {
                add_destination(service, &mut unknown, object);
            })?;
            if service.destinations.is_empty() && !self.has(id)? {
                gone.insert(id);
            }
        }
        services.retain(|service| !gone.contains(&service.id));
        Ok(Listing { services, unknown })
    }

    /// Whether the service is there: one that vanished during a listing has no destinations either, without an error.
    fn has(&mut self, id: ServiceId) -> Result<bool, Error> {
        match self.ask(&Request::Service(id), |_| {}) {
            Ok(()) => Ok(true),
            Err(Error::Refused { refusal: Refusal::NoService, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads one service and its destinations, if it is there.
    pub fn observe(&mut self, id: ServiceId) -> Result<Option<Observed>, Error> {
        let request = Request::Service(id);
        let mut observed = None;
        let mut unknown = Vec::new();
        let mut refused = None;
        self.window.open();
        self.push(&request);
        self.push(&Request::Destinations(id));
        self.exchange(|reply| match reply {
            Reply::Object { index: 0, attributes } => match wire::read_service(attributes) {
                Ok(service) => observed = Some(service),
                Err(it) => unknown.push(it),
            },
            Reply::Object { attributes, .. } => {
                if let Some(service) = &mut observed {
                    add_destination(service, &mut unknown, attributes);
                }
            }
            Reply::Refused { errno, .. } => refused = Some(Refusal::new(&request, errno)),
        })?;

        let attempt = || request.to_string();
        match refused {
            None => {}
            Some(Refusal::NoService) => return Ok(None),
            Some(refusal) => {
                return Err(Error::Refused { attempt: attempt(), refusal });
            }
        }
        match unknown.into_iter().next() {
            None => observed.map(Some).ok_or(Error::Overrun),
            Some(unknown) => Err(Error::Unreadable { attempt: attempt(), unknown }),
        }
    }

    /// Applies the operations in their order and gives those that were refused; the others have been done.
    pub fn apply(&mut self, ops: &[Op]) -> Result<Vec<Failure>, Error> {
        let mut failures = Vec::new();
        let mut rest = ops;
        while !rest.is_empty() {
            let first = ops.len() - rest.len();
            self.window.open();
            let count = rest.iter().take_while(|op| self.push(&Request::Change(op))).count();
            let (batch, later) = rest.split_at(count);
            rest = later;
            self.exchange(|reply| {
                if let Reply::Refused { index, errno } = reply
                    && let Some(op) = batch.get(index)
                {
                    failures.push(Failure {
                        index: first + index,
                        op: op.clone(),
                        refusal: Refusal::new(&Request::Change(op), errno),
                    });
                }
            })?;
        }
        Ok(failures)
    }

    /// Reads the timeouts.
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.read(&Request::Timeouts, wire::read_timeouts)
    }

    /// Sets the timeouts.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), Error> {
        self.ask(&Request::SetTimeouts(timeouts), |_| {})
    }

    /// Zeroes the counters of one service and its destinations, or of all.
    pub fn zero(&mut self, id: Option<ServiceId>) -> Result<(), Error> {
        self.ask(&Request::Zero(id), |_| {})
    }

    /// Deletes all services; the kernel then resets their clients.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.ask(&Request::Flush, |_| {})
    }

    /// Reads what the kernel says about its IPVS.
    pub fn info(&mut self) -> Result<Info, Error> {
        self.read(&Request::Info, wire::read_info)
    }

    /// Lists the synchronisation daemons that run.
    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        let mut daemons = Vec::new();
        self.ask(&Request::Daemons, |object| {
            daemons.push(wire::read_daemon(object));
        })?;
        let daemons: Result<_, _> = daemons.into_iter().collect();
        daemons.map_err(|unknown| unreadable(&Request::Daemons, unknown))
    }

    /// Starts a synchronisation daemon.
    pub fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Error> {
        self.ask(&Request::StartDaemon(daemon), |_| {})
    }

    /// Stops the synchronisation daemon of a role.
    pub fn stop_daemon(&mut self, role: Role) -> Result<(), Error> {
        self.ask(&Request::StopDaemon(role), |_| {})
    }

    /// Sends a request whose answer is one object.
    fn read<T>(
        &mut self,
        request: &Request<'_>,
        read: impl Fn(&[u8]) -> Result<T, Unknown>,
    ) -> Result<T, Error> {
        let mut answer = None;
        self.ask(request, |object| answer = Some(read(object)))?;
        answer.ok_or(Error::Overrun)?.map_err(|unknown| unreadable(request, unknown))
    }

    /// Sends a request and hands over the objects of its answer.
    fn ask(&mut self, request: &Request<'_>, mut each: impl FnMut(&[u8])) -> Result<(), Error> {
        let mut refused = None;
        self.window.open();
        self.push(request);
        self.exchange(|reply| match reply {
            Reply::Object { attributes, .. } => each(attributes),
            Reply::Refused { errno, .. } => refused = Some(Refusal::new(request, errno)),
        })?;
        match refused {
            None => Ok(()),
            Some(refusal) => Err(Error::Refused { attempt: request.to_string(), refusal }),
        }
    }

    fn push(&mut self, request: &Request<'_>) -> bool {
        let taken = self.window.push(request);
        if taken && request.is_write() {
            self.writes += 1;
        }
        taken
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

fn add_destination(service: &mut Observed, unknown: &mut Vec<Unknown>, object: &[u8]) {
    match wire::read_destination(service.id, object) {
        Ok(destination) => service.destinations.push(destination),
        Err(it) => unknown.push(it),
    }
}

fn unreadable(request: &Request<'_>, unknown: Unknown) -> Error {
    Error::Unreadable { attempt: request.to_string(), unknown }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
