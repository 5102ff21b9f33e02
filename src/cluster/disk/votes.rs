//! The term and the vote.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use failover::NodeId;
use failover::core::Paper;
use failover::message::Term;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Owner;
use crate::state::write_atomically;

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    cluster: String,
    node: String,
    term: u64,
    vote: Option<usize>,
    lease: Duration,
}

/// What is there, if it is whole and this node's.
pub(super) fn read(path: &Path, owner: &Owner) -> Option<Paper> {
    let text = fs::read_to_string(path).ok()?;
    let (digest, body) = text.split_once('\n')?;
    let document: Document = serde_json::from_str(body.trim_end()).ok().filter(|_| digest == sum(body))?;
    if (&document.cluster, &document.node) != (&owner.cluster, &owner.node) {
        return None;
    }
    let vote = match document.vote {
        Some(index) => Some(NodeId::new(index)?),
        None => None,
    };
    Some(Paper { term: Term(document.term), vote, lease: document.lease })
}

pub(super) fn write(path: &Path, owner: &Owner, paper: Paper) -> io::Result<()> {
    let document = Document {
        cluster: owner.cluster.clone(),
        node: owner.node.clone(),
        term: paper.term.0,
        vote: paper.vote.map(NodeId::index),
        lease: paper.lease,
    };
    let body = serde_json::to_string(&document)? + "\n";
    write_atomically(path, format!("{}\n{body}", sum(&body)).as_bytes())
}

pub(super) fn sum(body: &str) -> String {
    Sha256::digest(body).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(node: &str) -> Owner {
        Owner { cluster: "web".into(), node: node.into() }
    }

    fn paper() -> Paper {
        Paper { term: Term(7), vote: NodeId::new(2), lease: Duration::from_secs(1) }
    }

    #[test]
    fn what_was_written_is_read_by_the_same_node_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vote.json");
        assert_eq!(read(&path, &owner("a")), None, "nothing is there");
        write(&path, &owner("a"), paper()).unwrap();
        assert_eq!(read(&path, &owner("a")), Some(paper()));
        assert_eq!(read(&path, &owner("b")), None);
    }

    #[test]
    fn a_torn_file_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vote.json");
        write(&path, &owner("a"), paper()).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() - 1 {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(read(&path, &owner("a")), None, "{length} bytes");
        }
        for at in 0..whole.len() - 1 {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            fs::write(&path, &torn).unwrap();
            assert_eq!(read(&path, &owner("a")), None, "byte {at}");
        }
    }
}
