//! The document: the one that this node has accepted, and the latest that it knows to be committed.
//!
//! Each is a file of TOML with a few lines of comment before it, of which the first is the SHA-256 of all that follows:
//!
//! ```toml
//! # sha256 0f3a...
//! # cluster web
//! # node litsha21
//! # term 7
//! version = "0.3.1"
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use failover::cib::{Document, MAX_BYTES};
use failover::core::Kept;
use failover::message::Term;

use super::Owner;
use super::votes::sum;
use crate::state::write_atomically;

/// More than any header has.
const HEADER: u64 = 4096;

/// Where the documents are.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    accepted: PathBuf,
    committed: PathBuf,
    owner: Owner,
}

impl Shelf {
    pub(super) fn new(directory: &Path, owner: Owner) -> Self {
        let file = |name| directory.join(name);
        Self { accepted: file("cib-accepted.toml"), committed: file("cib-committed.toml"), owner }
    }

    pub(super) fn write_accepted(&self, document: &Document) -> io::Result<()> {
        self.write(&self.accepted, document)
    }

    pub(super) fn write_committed(&self, document: &Document) -> io::Result<()> {
        self.write(&self.committed, document)
    }

    fn write(&self, path: &Path, document: &Document) -> io::Result<()> {
        let Owner { cluster, node } = &self.owner;
        let term = document.stamp().term.0;
        let rest = format!("# cluster {cluster}\n# node {node}\n# term {term}\n{}", document.text());
        write_atomically(path, format!("# sha256 {}\n{rest}", sum(&rest)).as_bytes())
    }

    /// Reads what is there. What is torn, of somebody else or older than what is known is put aside, and told.
    pub(super) fn read(&self, refused: &mut Vec<String>) -> io::Result<Kept> {
        let mut kept = Kept {
            accepted: self.take(&self.accepted, refused)?,
            committed: self.take(&self.committed, refused)?,
        };
        let stamp = |document: &Option<Document>| document.as_ref().map(Document::stamp);
        if stamp(&kept.committed) > stamp(&kept.accepted) && kept.accepted.take().is_some() {
            put_aside(&self.accepted, "it is older than what was committed after it", refused)?;
        }
        Ok(kept)
    }

    fn take(&self, path: &Path, refused: &mut Vec<String>) -> io::Result<Option<Document>> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(about) if about.len() > HEADER + MAX_BYTES as u64 => {
                put_aside(path, "it is too long", refused)?;
                return Ok(None);
            }
            Ok(_) => {}
        }
        match self.parse(&fs::read(path)?) {
            Ok(document) => Ok(Some(document)),
            Err(why) => put_aside(path, &why, refused).map(|()| None),
        }
    }

    fn parse(&self, content: &[u8]) -> Result<Document, String> {
        let torn = || "it is not as it was written".to_owned();
        let text = std::str::from_utf8(content).map_err(|_| torn())?;
        let (digest, rest) = header(text, "sha256").filter(|(it, rest)| *it == sum(rest)).ok_or_else(torn)?;
        debug_assert_eq!(digest.len(), 64);
        let (cluster, rest) = header(rest, "cluster").ok_or_else(torn)?;
        let (node, rest) = header(rest, "node").ok_or_else(torn)?;
        let (term, rest) = header(rest, "term").ok_or_else(torn)?;
        if (cluster, node) != (&self.owner.cluster, &self.owner.node) {
            return Err(format!("it is of node {node} of cluster {cluster}"));
        }
        let term = Term(term.parse().map_err(|_| torn())?);
        Document::read(term, rest.as_bytes()).map_err(|problems| problems.to_string())
    }
}

/// What a line of comment says, and what follows it.
fn header<'a>(text: &'a str, key: &str) -> Option<(&'a str, &'a str)> {
    let (line, rest) = text.split_once('\n')?;
    Some((line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(' ')?, rest))
}

fn put_aside(path: &Path, why: &str, refused: &mut Vec<String>) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".refused");
    fs::rename(path, &aside)?;
    refused.push(format!("{}: {why}; it is put aside as {}", path.display(), Path::new(&aside).display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use failover::cib::Cib;

    use super::*;

    fn shelf(directory: &Path, node: &str) -> Shelf {
        Shelf::new(directory, Owner { cluster: "web".into(), node: node.into() })
    }

    fn document(term: u64, version: &str) -> Document {
        let cib = Cib { version: version.parse().unwrap(), ..Cib::default() };
        Document::write(&cib).unwrap().restamped(Term(term))
    }

    fn read(shelf: &Shelf) -> (Kept, Vec<String>) {
        let mut refused = Vec::new();
        (shelf.read(&mut refused).unwrap(), refused)
    }

    #[test]
    fn what_was_written_is_read_by_the_same_node_only() {
        let directory = tempfile::tempdir().unwrap();
        let shelf_a = shelf(directory.path(), "a");
        assert_eq!(read(&shelf_a), (Kept::default(), vec![]), "nothing is there");
        let kept = Kept { accepted: Some(document(7, "0.3.1")), committed: Some(document(6, "0.3.0")) };
        shelf_a.write_accepted(kept.accepted.as_ref().unwrap()).unwrap();
        shelf_a.write_committed(kept.committed.as_ref().unwrap()).unwrap();
        assert_eq!(read(&shelf_a), (kept, vec![]));
        let (kept, refused) = read(&shelf(directory.path(), "b"));
        assert_eq!(kept, Kept::default());
        assert!(refused.iter().all(|it| it.contains("it is of node a of cluster web")), "{refused:?}");
        assert_eq!(refused.len(), 2);
        assert!(directory.path().join("cib-accepted.toml.refused").exists());
        assert_eq!(read(&shelf_a), (Kept::default(), vec![]), "both are put aside");
    }

    #[test]
    fn a_torn_file_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = shelf(directory.path(), "a");
        let path = directory.path().join("cib-accepted.toml");
        shelf.write_accepted(&document(7, "0.3.1")).unwrap();
        let whole = fs::read(&path).unwrap();
        let is_refused = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            let (kept, refused) = read(&shelf);
            assert_eq!((kept, refused.len()), (Kept::default(), 1));
            assert!(refused[0].contains("cib-accepted.toml: it is not as it was written"), "{refused:?}");
        };
        (0..whole.len()).for_each(|length| is_refused(&whole[..length]));
        for at in 0..whole.len() {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            is_refused(&torn);
        }
        is_refused(&vec![b'#'; 70_000][..69_000]);
    }

    #[test]
    fn an_accepted_document_that_is_older_than_the_committed_one_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = shelf(directory.path(), "a");
        shelf.write_accepted(&document(6, "0.3.1")).unwrap();
        shelf.write_committed(&document(7, "0.3.0")).unwrap();
        let (kept, refused) = read(&shelf);
        assert_eq!(kept, Kept { accepted: None, committed: Some(document(7, "0.3.0")) });
        assert!(refused[0].contains("it is older"), "{refused:?}");
    }
}
