use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::{ReadError, read};
use crate::keys::Key;

const GOOD: &str = "auth 1\n1 sha256 secret\n";

/// What is said of a file with this content and mode.
fn said(content: &[u8], mode: u32) -> Result<Vec<u8>, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("authkeys");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let owner = fs::metadata(&path).unwrap().uid();
    read(&path, owner)
        .map(|ring| ring.keys().iter().map(Key::number).collect())
        .map_err(|error| error.to_string())
}

#[test]
fn only_the_owner_may_use_it() {
    for mode in [0o600, 0o400, 0o700] {
        assert_eq!(said(GOOD.as_bytes(), mode), Ok(vec![1]), "{mode:o}");
    }
    for bit in 0..6 {
        let mode = 0o600 | 1 << bit;
        let expected = format!("its mode is {mode:04o}, so others than its owner can use it; `chmod 600` it");
        assert_eq!(said(GOOD.as_bytes(), mode), Err(expected));
    }
}

#[test]
fn it_belongs_to_whom_it_should() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let owner = file.as_file().metadata().unwrap().uid();
    let error = read(file.path(), owner + 1).unwrap_err();
    assert_eq!(error.to_string(), format!("it belongs to the user {owner}; `chown {}` it", owner + 1));
}

#[test]
fn it_is_a_small_regular_file_of_text() {
    let full = [GOOD.as_bytes(), &vec![b'#'; 64 * 1024 - GOOD.len()]].concat();
    assert_eq!(said(&full, 0o600), Ok(vec![1]));
    let long = [&full[..], b"#"].concat();
    let expected = "it is longer than 64 KiB; is it the right one?";
    assert_eq!(said(&long, 0o600), Err(expected.to_owned()));

    let expected = "it is not UTF-8; write the secrets as text, for example in base64";
    assert_eq!(said(b"auth 1\n1 sha256 \xff", 0o600), Err(expected.to_owned()));
    assert!(said(b"auth 1", 0o600).unwrap_err().starts_with("line 1: there is no key 1"));

    let directory = tempfile::tempdir().unwrap();
    let owner = fs::metadata(directory.path()).unwrap().uid();
    let expected = "it is no regular file; write the keys into one";
    assert_eq!(read(directory.path(), owner).unwrap_err().to_string(), expected);
    assert_eq!(read("/dev/null".as_ref(), 0).unwrap_err().to_string(), expected);
    let error = read(&directory.path().join("authkeys"), owner).unwrap_err();
    assert!(matches!(error, ReadError::Io(_)), "{error}");
}

#[test]
fn a_pipe_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("authkeys");
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap();
    assert!(made.success());
    let owner = fs::metadata(&path).unwrap().uid();
    assert!(matches!(read(&path, owner), Err(ReadError::NotRegular)));
}
