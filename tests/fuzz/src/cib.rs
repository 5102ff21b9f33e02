//! Documents as TOML or XML.

use failover::cib::Cib;
use failover::cib::xml::{Dialect, Reading, Status};

/// Reads `bytes` in every way. What is read can be written and read again, in TOML and in XML, and is the same; every
/// refusal can be told. Says whether it could be read in some way.
pub fn check(bytes: &[u8]) -> bool {
    let toml = Cib::read(bytes);
    if let Ok(cib) = &toml {
        check_document(cib);
    }
    if let Err(problems) = &toml {
        check_told(&problems.to_string());
    }
    let tolerant = Cib::from_xml(bytes, Reading::Tolerant);
    match &tolerant {
        Ok(imported) => {
            check_document(&imported.cib);
            check_written(&imported.cib, &imported.status);
            imported.repairs.iter().for_each(|repair| check_told(&repair.to_string()));
            imported.notes.iter().for_each(|note| check_told(&note.to_string()));
        }
        Err(problems) => check_told(&problems.to_string()),
    }
    match Cib::from_xml(bytes, Reading::Strict) {
        Ok(strict) => assert_eq!(Some(&strict), tolerant.as_ref().ok(), "both readings mean the same"),
        Err(problems) => check_told(&problems.to_string()),
    }
    toml.is_ok() || tolerant.is_ok()
}

fn check_document(cib: &Cib) {
    let text = cib.to_string();
    assert_eq!(Cib::read(text.as_bytes()).as_ref(), Ok(cib), "{text}");
}

fn check_written(cib: &Cib, status: &Status) {
    for dialect in [Dialect::Heartbeat, Dialect::Pacemaker] {
        let text = cib.to_xml(status, dialect);
        let again = Cib::from_xml(text.as_bytes(), Reading::Tolerant).expect("it was written");
        assert_eq!(&again.cib, cib, "{text}");
    }
}

/// A terminal must not obey the file.
fn check_told(text: &str) {
    assert!(!text.is_empty() && !text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}
