//! Message authentication codes.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

use super::Method;

/// Makes and checks codes with one key.
#[derive(Clone)]
pub struct Mac(Keyed);

#[derive(Clone)]
enum Keyed {
    Sha256(Hmac<Sha256>),
    Sha1(Hmac<Sha1>),
}

impl Mac {
    /// HMAC with this hash function and this key.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn new(method: Method, key: &[u8]) -> Self {
        let any = "HMAC takes a key of any length";
        Self(match method {
            Method::Sha256 => Keyed::Sha256(Hmac::new_from_slice(key).expect(any)),
            Method::Sha1 => Keyed::Sha1(Hmac::new_from_slice(key).expect(any)),
        })
    }

    /// The code of these bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.0 {
            Keyed::Sha256(mac) => mac.clone().chain_update(bytes).finalize().into_bytes().to_vec(),
            Keyed::Sha1(mac) => mac.clone().chain_update(bytes).finalize().into_bytes().to_vec(),
        }
    }

    /// Whether this is the code of these bytes, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], code: &[u8]) -> bool {
        match &self.0 {
            Keyed::Sha256(mac) => mac.clone().chain_update(bytes).verify_slice(code).is_ok(),
            Keyed::Sha1(mac) => mac.clone().chain_update(bytes).verify_slice(code).is_ok(),
        }
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            Keyed::Sha256(_) => "HMAC-SHA-256",
            Keyed::Sha1(_) => "HMAC-SHA-1",
        };
        f.write_str(name)
    }
}
