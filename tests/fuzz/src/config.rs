//! Configuration files.

use std::path::Path;

use lvsd::config::Config;

/// Takes or refuses `bytes`: what is taken makes sense, and every refusal can be told. Says which it was.
pub fn check(bytes: &[u8]) -> bool {
    match Config::parse(Path::new("f"), bytes) {
        Ok(config) => {
            for service in &config.services {
                let served = |&id| service.realservers_of(id).next().is_some();
                assert!(!service.ids.is_empty() && service.ids.iter().all(served), "{service:?}");
            }
            let warnings = config.warnings();
            assert!(!warnings.iter().any(|line| line.contains(char::is_control)), "{warnings:?}");
            true
        }
        Err(report) => {
            let text = report.to_string();
            assert!(report.count() > 0 && text.contains("help: "), "{text}");
            // A terminal must not obey the file.
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
            assert!(report.headline().starts_with('f'), "{}", report.headline());
            false
        }
    }
}
