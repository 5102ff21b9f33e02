//! The number under which the kernel knows IPVS: it changes with every load of the module.

use std::io;

use neli::consts::genl::{CtrlAttr, CtrlCmd};
use neli::consts::nl::{GenlId, NlmF};
use neli::err::SocketError;
use neli::genl::{AttrTypeBuilder, Genlmsghdr, GenlmsghdrBuilder, NlattrBuilder};
use neli::nl::{NlPayload, NlmsghdrBuilder};
use neli::socket::synchronous::NlSocketHandle;

use super::{Error, module};

const NAME: &str = "IPVS";
const MODULE: &str = "ip_vs";

/// Asks for the number; loads the module once when there is none and the kernel has not done so by itself.
pub(super) fn resolve(handle: &NlSocketHandle) -> Result<u16, Error> {
    let ask = || {
        ask(handle).map_err(|error| Error::Socket {
            attempt: "ask for the netlink family of IPVS",
            source: io::Error::other(error),
        })
    };
    if let Some(family) = ask()? {
        return Ok(family);
    }
    module::load(MODULE);
    ask()?.ok_or(Error::NoFamily)
}

fn ask(handle: &NlSocketHandle) -> Result<Option<u16>, SocketError> {
    let name = NlattrBuilder::default()
        .nla_type(AttrTypeBuilder::default().nla_type(CtrlAttr::FamilyName).build()?)
        .nla_payload(NAME)
        .build()?;
    let request = GenlmsghdrBuilder::default()
        .cmd(CtrlCmd::Getfamily)
        .version(2)
        .attrs([name].into_iter().collect())
        .build()?;
    let request = NlmsghdrBuilder::default()
        .nl_type(GenlId::Ctrl)
        .nl_flags(NlmF::REQUEST)
        .nl_payload(NlPayload::Payload(request))
        .build()?;
    handle.send(&request)?;

    let (replies, _) = handle.recv::<GenlId, Genlmsghdr<CtrlCmd, CtrlAttr>>()?;
    for reply in replies {
        if let NlPayload::Payload(family) = reply?.nl_payload() {
            let id = family.attrs().get_attr_handle().get_attr_payload_as(CtrlAttr::FamilyId)?;
            return Ok(Some(id));
        }
    }
    // The controller's only other answer is an error: it knows no such family.
    Ok(None)
}
