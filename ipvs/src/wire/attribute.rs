//! Attributes: the type-length-value records that netlink messages are made of.

use super::Reason;

const HEADER: usize = 4;

/// The two highest bits of a type say "nested" and "network order"; IPVS sets neither.
const TYPE_MASK: u16 = 0x3fff;

/// Appends attributes to a message.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    /// A value as it stands.
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.nest(kind, |writer| writer.0.extend_from_slice(value));
    }

    /// A string, with the NUL that the kernel asks for.
    pub(super) fn text(&mut self, kind: u16, value: &str) {
        self.nest(kind, |writer| {
            writer.0.extend_from_slice(value.as_bytes());
            writer.0.push(0);
        });
    }

    /// An attribute whose value is what `content` writes.
    pub(super) fn nest(&mut self, kind: u16, content: impl FnOnce(&mut Writer<'_>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 2]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        content(self);
        let length = u16::try_from(self.0.len() - start).expect("an object of IPVS takes some 200 bytes");
        if let Some(field) = self.0.get_mut(start..start + 2) {
            field.copy_from_slice(&length.to_ne_bytes());
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

/// The attributes of a message or of a nest, by type; types that IPVS does not have are passed over.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>([Option<&'a [u8]>; 16]);

impl<'a> Attributes<'a> {
    pub(super) fn parse(mut bytes: &'a [u8]) -> Result<Self, Reason> {
        let mut slots = [None; 16];
        while let Some((&[l0, l1, k0, k1], _)) = bytes.split_first_chunk::<HEADER>() {
            let length = usize::from(u16::from_ne_bytes([l0, l1]));
            let kind = u16::from_ne_bytes([k0, k1]) & TYPE_MASK;
            let value = bytes.get(HEADER..length).ok_or(Reason::CutShort)?;
            if let Some(slot) = slots.get_mut(usize::from(kind)) {
                *slot = Some(value);
            }
            // The padding after the last one may be missing.
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        if bytes.is_empty() { Ok(Self(slots)) } else { Err(Reason::CutShort) }
    }

    fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.0.get(usize::from(kind)).copied().flatten()
    }

    /// A value of exactly `N` bytes, if it is there.
    pub(super) fn optional<const N: usize>(&self, kind: u16) -> Result<Option<[u8; N]>, Reason> {
        self.get(kind)
            .map(|value| value.try_into().map_err(|_| Reason::Length(kind, value.len())))
            .transpose()
    }

    /// A value of exactly `N` bytes.
    pub(super) fn required<const N: usize>(&self, kind: u16) -> Result<[u8; N], Reason> {
        self.optional(kind)?.ok_or(Reason::Missing(kind))
    }

    /// A string up to its first NUL, if it is there.
    pub(super) fn text(&self, kind: u16) -> Result<Option<&'a str>, Reason> {
        self.get(kind)
            .map(|value| {
                let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
                let text = value.get(..end).unwrap_or_default();
                std::str::from_utf8(text).map_err(|_| Reason::NotText(kind))
            })
            .transpose()
    }

    /// The attributes inside an attribute, if it is there.
    pub(super) fn nest(&self, kind: u16) -> Result<Option<Self>, Reason> {
        self.get(kind).map(Self::parse).transpose()
    }
}
