//! Fields, one after the other.

use super::WireError;
use crate::{NodeId, NodeSet, VipId};

/// What is left to be read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (field, rest) = self.0.split_at_checked(count).ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(field)
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(*field)
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.take().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.take().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, WireError> {
        self.take().map(u64::from_be_bytes)
    }

    pub(super) fn bool(&mut self) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Malformed),
        }
    }

    pub(super) fn vip(&mut self) -> Result<VipId, WireError> {
        self.u32().map(VipId::from_bits)
    }

    pub(super) fn node(&mut self) -> Result<NodeId, WireError> {
        NodeId::new(self.u8()?.into()).ok_or(WireError::UnknownNode)
    }

    pub(super) fn nodes(&mut self) -> Result<NodeSet, WireError> {
        let bits = self.u16()?;
        let set = NodeSet::from_bits(bits);
        if set.bits() == bits { Ok(set) } else { Err(WireError::UnknownNode) }
    }
}
