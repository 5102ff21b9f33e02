//! Files that the file names: each must be there and fit for its purpose.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::section::{Fault, quoted};

/// More than any file with authorities or a password has.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Where relative paths begin: the directory of the file.
#[derive(Clone, Copy)]
pub(super) struct Directory<'c>(pub(super) &'c Path);

impl Directory<'_> {
    /// A program that can be run.
    pub(super) fn program(self, text: &str, help: &'static str) -> Result<PathBuf, Fault> {
        let path = self.path(text);
        let mode = mode(&path, text, "run", help)?;
        if mode & 0o111 == 0 {
            let help = format!("chmod +x {}", quoted(text));
            return Err(Fault::new(format!("{} is not executable", quoted(text)), help));
        }
        Ok(path)
    }

    /// What a file holds that nobody but its owner may read: one line.
    pub(super) fn secret(self, text: &str, help: &'static str) -> Result<String, Fault> {
        let path = self.path(text);
        let mode = mode(&path, text, "read", help)?;
        if mode & 0o077 != 0 {
            let what = format!("{} is open to others than its owner", quoted(text));
            return Err(Fault::new(what, format!("chmod 600 {}", quoted(text))));
        }
        let mut line = content(&path, text, help)?;
        for end in [b'\n', b'\r'] {
            line.pop_if(|last| *last == end);
        }
        match String::from_utf8(line) {
            Ok(line) if line.is_empty() => Err(Fault::new(format!("{} is empty", quoted(text)), help)),
            Ok(line) if !line.contains(char::is_control) => Ok(line),
            _ => Err(Fault::new(format!("{} is not one line of text", quoted(text)), help)),
        }
    }

    /// A PEM file with certificates of authorities.
    pub(super) fn authorities(self, text: &str) -> Result<PathBuf, Fault> {
        const HELP: &str = "name a PEM file with the certificates of authorities; a relative path begins where this \
                            file is";
        let path = self.path(text);
        mode(&path, text, "read", HELP)?;
        let pem = content(&path, text, HELP)?;
        let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
        match RootCertStore::empty().add_parsable_certificates(certificates) {
            (0, _) => Err(Fault::new(format!("{} holds no certificate", quoted(text)), HELP)),
            _ => Ok(path),
        }
    }

    /// Where a file is, or will be.
    pub(super) fn path(self, text: &str) -> PathBuf {
        let path = self.0.join(text);
        std::path::absolute(&path).unwrap_or(path)
    }
}

/// The permissions of what must be a plain file.
fn mode(path: &Path, text: &str, purpose: &str, help: &'static str) -> Result<u32, Fault> {
    let metadata = fs::metadata(path)
        .map_err(|cause| Fault::new(format!("{} cannot be {purpose}: {cause}", quoted(text)), help))?;
    if !metadata.is_file() {
        return Err(Fault::new(format!("{} is not a file", quoted(text)), help));
    }
    Ok(metadata.permissions().mode())
}

fn content(path: &Path, text: &str, help: &'static str) -> Result<Vec<u8>, Fault> {
    let unreadable = |cause| Fault::new(format!("{} cannot be read: {cause}", quoted(text)), help);
    let file = File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    file.take(LARGEST).read_to_end(&mut content).map_err(unreadable)?;
    Ok(content)
}
