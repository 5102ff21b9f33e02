//! `ca`, `sni` and `verify`: how a realserver proves who it is.

use healthcheck::{Tls, Trust};
use rustls::pki_types::DnsName;
use toml::de::DeValue;

use super::Reader;
use crate::config::report::Reported;
use crate::config::section::{Fault, Section, quoted};
use crate::config::value;

const CA_HELP: &str = "write ca = \"/etc/ssl/certs/our-authority.pem\"";

pub(super) fn tls(section: &Section<'_>, reader: &Reader<'_>) -> Result<Tls, Reported> {
    let ca = section.optional("ca", |value| reader.directory.authorities(value::text(value, CA_HELP)?));
    let server_name = section.optional("sni", server_name);
    let verify = section.optional("verify", value::boolean)?;
    let trust = match (ca?, verify) {
        (Some(ca), Some(verify)) if !verify.value => {
            let what = "no certificate is looked at, so `ca` means nothing";
            return Err(section.problems.add_collision(
                ca.span,
                verify.span,
                what,
                "take one of the two out",
            ));
        }
        (Some(ca), _) => Trust::Authorities(ca.value),
        (None, Some(verify)) if !verify.value => Trust::Anybody,
        (None, _) => Trust::System,
    };
    Ok(Tls { server_name: server_name?.map(|at| at.value), trust })
}

fn server_name(value: &DeValue<'_>) -> Result<String, Fault> {
    const HELP: &str = "write the name that the certificate has, for example \"www.example.com\"";
    let text = value::text(value, HELP)?;
    match DnsName::try_from(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Fault::new(format!("{} is not a host name", quoted(text)), HELP)),
    }
}
