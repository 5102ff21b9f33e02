//! `[status]`: where the page is served.

use std::net::{IpAddr, SocketAddr};

use toml::de::DeValue;

use crate::config::report::Reported;
use crate::config::section::{Fault, Schema, Section, quoted};
use crate::config::value;

const STATUS: Schema = Schema { title: "[status]", keys: &["listen"], later: &[] };

const LISTEN_HELP: &str = "add listen = \"127.0.0.1:8694\"";

/// Reads `[status]`, if it is there.
pub(super) fn status(root: &Section<'_>) -> Result<Option<SocketAddr>, Reported> {
    let Some(value) = root.get("status") else {
        return Ok(None);
    };
    let section =
        Section::open(&STATUS, value, root.problems, "write [status], with its keys on the lines below")?;
    Ok(Some(section.required("listen", LISTEN_HELP, listen)?.value))
}

fn listen(value: &DeValue<'_>) -> Result<SocketAddr, Fault> {
    const HELP: &str = "write an address of this machine and a port, for example \"127.0.0.1:8694\" or \
                        \"[::1]:8694\"; host names are not looked up";
    let text = value::text(value, HELP)?;
    if let Ok(address) = text.parse::<IpAddr>() {
        let example = SocketAddr::new(address, 8694);
        return Err(Fault::new(format!("{address} has no port"), format!("write \"{example}\"")));
    }
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err(Fault::new("nobody would know port 0", HELP)),
        Ok(address) => Ok(address),
        Err(_) => Err(Fault::new(format!("{} is not an address with a port", quoted(text)), HELP)),
    }
}
