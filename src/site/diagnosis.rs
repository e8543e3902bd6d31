//! Reads the summary artifact of the diagnose workflow: JSON in a zip archive. It is untrusted input.

use std::io::{Cursor, Read};

use serde::Deserialize;
use zip::ZipArchive;

pub(crate) const ARTIFACT: &str = "diagnose-summary";

/// The file in the archive.
const FILE: &str = "summary.json";

/// The largest archive that is downloaded, in bytes.
pub(crate) const MAX_ARCHIVE_BYTES: u64 = 1024 * 1024;
const MAX_ENTRIES: usize = 20;
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The checks of a diagnose run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Summary {
    /// In the order of the workflow.
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Check {
    /// What was checked, like `API /health`.
    pub name: String,
    pub ok: bool,
    /// What was seen, like `503 Service Unavailable`.
    #[serde(default)]
    pub detail: Option<String>,
}

/// Why the summary cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It is not a zip archive, or a damaged one.
    #[error("it is not a readable zip archive")]
    Archive,
    /// It has more entries or bytes than allowed.
    #[error("it is larger than a summary may be")]
    TooLarge,
    /// The archive has no `summary.json`.
    #[error("there is no summary.json in it")]
    NoFile,
    /// The JSON has another shape.
    #[error("its summary.json is not a list of checks")]
    Format,
}

/// Reads the summary from an archive. It unpacks only the one file, and of that no more than the limit,
/// whatever size the archive declares (zip bomb).
pub(crate) fn read(archive: &[u8]) -> Result<Summary, Unreadable> {
    if archive.len() as u64 > MAX_ARCHIVE_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let mut zip = ZipArchive::new(Cursor::new(archive)).map_err(|_| Unreadable::Archive)?;
    if zip.len() > MAX_ENTRIES {
        return Err(Unreadable::TooLarge);
    }
    let file = zip.by_name(FILE).map_err(|error| match error {
        zip::result::ZipError::FileNotFound => Unreadable::NoFile,
        _ => Unreadable::Archive,
    })?;
    let mut json = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut json).map_err(|_| Unreadable::Archive)?;
    if json.len() as u64 > MAX_FILE_BYTES {
        return Err(Unreadable::TooLarge);
    }
    serde_json::from_slice(&json).map_err(|_| Unreadable::Format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    const GOOD: &[u8] = br#"{"version": 1, "checks": [
        {"name": "Frontend /", "ok": true, "status": 200, "detail": "200 in 120 ms"},
        {"name": "API /health", "ok": false}
    ]}"#;

    #[test]
    fn the_checks_are_read() {
        let summary = read(&archive(&[("readme.txt", b"x"), ("summary.json", GOOD)])).unwrap();
        let shown: Vec<_> = summary.checks.iter().map(|c| (c.name.as_str(), c.ok)).collect();
        assert_eq!(shown, [("Frontend /", true), ("API /health", false)]);
    }

    /// The fixture is from the example workflow, run by `.ci/check_examples.py` against a faulty site.
    #[test]
    fn the_summary_of_the_example_workflow_is_read() {
        let left = include_bytes!("../../tests/data/diagnose-summary.json");
        let summary = read(&archive(&[("summary.json", left)])).unwrap();
        let shown: Vec<_> = summary.checks.iter().map(|c| (c.name.as_str(), c.ok)).collect();
        let expected = [
            ("Frontend /", true),
            ("Frontend /index.html", false),
            ("Frontend certificate", true),
            ("API /health", false),
            ("API /hello", true),
            ("API certificate", true),
        ];
        assert_eq!(shown, expected);
        assert!(summary.checks.iter().all(|check| check.detail.is_some()));
    }

    #[test]
    fn an_invalid_summary_is_refused() {
        let many: Vec<(String, &[u8])> = (0..30).map(|n| (format!("{n}"), b"x" as &[u8])).collect();
        let many: Vec<_> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        let bomb = vec![b' '; 40 * 1024 * 1024];
        let good = archive(&[("summary.json", GOOD)]);
        let cases: [(Vec<u8>, Unreadable); 8] = [
            (b"not a zip".to_vec(), Unreadable::Archive),
            (good[..good.len() / 2].to_vec(), Unreadable::Archive),
            (Vec::new(), Unreadable::Archive),
            (vec![0; 2 * 1024 * 1024], Unreadable::TooLarge),
            (archive(&many), Unreadable::TooLarge),
            (archive(&[("summary.json", &bomb)]), Unreadable::TooLarge),
            (archive(&[("../summary.json", GOOD)]), Unreadable::NoFile),
            (archive(&[("summary.json", b"[1]")]), Unreadable::Format),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(&bytes), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_archive_never_panics(at in 0usize..200, byte in any::<u8>()) {
            let mut bytes = archive(&[("summary.json", GOOD)]);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
