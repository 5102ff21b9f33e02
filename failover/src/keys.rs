//! The keys that directors know each other by: the grammar of Heartbeat's `authkeys`.
//!
//! ```text
//! # A comment.
//! auth 2
//! 1 sha1 the secret that is on its way out
//! 2 sha256 the secret that is on its way in
//! ```
//!
//! `auth` names the key that signs; all keys of the file are accepted. So a key is replaced without a pause:
//! first add the new one to every director's file, then let `auth` name it in each, then take the old one out.
//! A secret is all between its method and the end of the line.

#[cfg(feature = "io")]
mod file;
mod mac;
#[cfg(test)]
mod tests;

use std::fmt;

#[cfg(feature = "io")]
pub use file::{ReadError, read};
pub use mac::Mac;

use crate::{ClusterId, NodeId};

/// A secret shorter than this can be guessed.
const GOOD_LENGTH: usize = 16;

/// The hash function of a key's HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// SHA-256: 32 bytes.
    Sha256,
    /// SHA-1: 20 bytes. As an HMAC it is not broken.
    Sha1,
}

/// A key of the file.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    number: u8,
    method: Method,
    secret: String,
    line: usize,
}

impl Key {
    /// What it is called in datagrams: 1 to 15.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// Its codes for what one node of a cluster says to another, and for nothing else.
    #[must_use]
    pub fn derive(&self, cluster: ClusterId, sender: NodeId, receiver: NodeId) -> Mac {
        let context =
            [&b"lvsd"[..], &cluster.bits().to_be_bytes(), &[sender.byte(), receiver.byte()]].concat();
        Mac::new(self.method, &Mac::new(self.method, self.secret.as_bytes()).sign(&context))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} ({:?})", self.number, self.method)
    }
}

/// The keys of a director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRing {
    signer: Key,
    keys: Vec<Key>,
}

impl KeyRing {
    /// The keys that a file lists.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut selection: Option<Selection> = None;
        let mut keys: Vec<Key> = Vec::new();
        for (line, text) in (1..).zip(text.lines()).map(|(line, text)| (line, text.trim())) {
            let refuse = |fault| KeyError { line, fault };
            match word(text) {
                ("", _) => {}
                (comment, _) if comment.starts_with('#') => {}
                ("auth", numbers) => {
                    if let Some(first) = &selection {
                        return Err(refuse(Fault::SecondAuth(first.line)));
                    }
                    selection = Some(Selection::parse(line, numbers).map_err(refuse)?);
                }
                (number, rest) => {
                    let key = Key::parse(line, number, rest).map_err(refuse)?;
                    if let Some(first) = keys.iter().find(|first| first.number == key.number) {
                        return Err(refuse(Fault::SecondKey(key.number, first.line)));
                    }
                    keys.push(key);
                }
            }
        }
        let Some(Selection { line, first, others }) = selection else {
            let line = keys.first().map_or(1, |key| key.line);
            return Err(KeyError { line, fault: Fault::NoAuth });
        };
        let find = |number| {
            let key = keys.iter().find(|key| key.number == number);
            key.ok_or(KeyError { line, fault: Fault::NoKey(number) })
        };
        let signer = find(first)?.clone();
        others.into_iter().try_for_each(|number| find(number).map(drop))?;
        Ok(Self { signer, keys })
    }

    /// The key that signs.
    #[must_use]
    pub const fn signer(&self) -> &Key {
        &self.signer
    }

    /// The keys that are accepted, that one included.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// What is allowed, but should not be.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let guessable = self.keys.iter().filter(|key| key.secret.len() < GOOD_LENGTH);
        let tell = |key: &Key| {
            let Key { number, line, .. } = key;
            format!(
                "line {line}: the secret of key {number} is shorter than {GOOD_LENGTH} bytes; \
                 take the output of `head -c 32 /dev/urandom | base64`"
            )
        };
        guessable.map(tell).collect()
    }
}

impl Key {
    fn parse(line: usize, number: &str, rest: &str) -> Result<Self, Fault> {
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Fault::Neither);
        }
        let number = key_number(number)?;
        let (method, secret) = word(rest);
        let method = match method {
            "sha256" => Method::Sha256,
            "sha1" => Method::Sha1,
            "crc" => return Err(Fault::Crc(number)),
            "md5" => return Err(Fault::Md5(number)),
            _ => return Err(Fault::Method(number)),
        };
        if secret.is_empty() {
            return Err(Fault::NoSecret(number));
        }
        Ok(Self { number, method, secret: secret.to_owned(), line })
    }
}

/// The line that says which key signs. It may name more keys, which then have to be there.
struct Selection {
    line: usize,
    first: u8,
    others: Vec<u8>,
}

impl Selection {
    fn parse(line: usize, numbers: &str) -> Result<Self, Fault> {
        let (first, others) = word(numbers);
        let others = others.split_whitespace().map(key_number).collect::<Result<_, _>>()?;
        Ok(Self { line, first: key_number(first)?, others })
    }
}

/// The first word of a line, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn key_number(text: &str) -> Result<u8, Fault> {
    text.parse().ok().filter(|number| (1..=15).contains(number)).ok_or(Fault::Number)
}

/// Why a file of keys is refused. It shows nothing of the file but numbers: any other word may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct KeyError {
    line: usize,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error(
        "it is neither `auth NUMBER` nor `NUMBER METHOD SECRET`; write one of them, or # before a comment"
    )]
    Neither,
    #[error("a key has a number from 1 to 15; write one")]
    Number,
    #[error("the method `crc` has no secret, so anybody can sign with it; write `{0} sha256 SECRET`")]
    Crc(u8),
    #[error("the method `md5` is obsolete; write `{0} sha256 SECRET`")]
    Md5(u8),
    #[error("the method of key {0} is neither sha256 nor sha1; write `{0} sha256 SECRET`")]
    Method(u8),
    #[error("key {0} has no secret; write it after the method")]
    NoSecret(u8),
    #[error("key {0} is on line {1} already; give this one another number")]
    SecondKey(u8, usize),
    #[error("line {0} says already which key signs; remove one of the two")]
    SecondAuth(usize),
    #[error("nothing says which key signs; write `auth NUMBER`")]
    NoAuth,
    #[error("there is no key {0}; add `{0} sha256 SECRET`, or name another key")]
    NoKey(u8),
}
