//! The file of keys, which nobody but its owner may read.

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{KeyError, KeyRing};

const MAX_SIZE: u64 = 64 * 1024;

/// Why no keys could be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system does not give it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a directory, a pipe or the like.
    #[error("it is no regular file; write the keys into one")]
    NotRegular,
    /// It belongs to another user.
    #[error("it belongs to the user {0}; `chown {1}` it")]
    Owner(u32, u32),
    /// Others than its owner may do something with it.
    #[error("its mode is {0:04o}, so others than its owner can use it; `chmod 600` it")]
    Mode(u32),
    /// It is far longer than 15 keys.
    #[error("it is longer than 64 KiB; is it the right one?")]
    Size,
    /// It is not text.
    #[error("it is not UTF-8; write the secrets as text, for example in base64")]
    Text,
    /// A line of it is wrong.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// The keys in this file, which has to belong to the user `owner`.
pub fn read(path: &Path, owner: u32) -> Result<KeyRing, ReadError> {
    // Without a writer, opening a pipe would wait for one.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ReadError::NotRegular);
    }
    if metadata.uid() != owner {
        return Err(ReadError::Owner(metadata.uid(), owner));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(ReadError::Mode(mode));
    }
    let mut bytes = Vec::new();
    if file.take(MAX_SIZE + 1).read_to_end(&mut bytes)? as u64 > MAX_SIZE {
        return Err(ReadError::Size);
    }
    let text = String::from_utf8(bytes).map_err(|_| ReadError::Text)?;
    Ok(KeyRing::parse(&text)?)
}
