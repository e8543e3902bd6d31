//! Artifacts: good ones, and archives that an attacker would make.

use super::archive::{self, Entry};
use bytes::Bytes;
use serde_json::{Value, json};

/// The size that an overstated archive claims.
const CLAIM: u32 = u32::MAX - 1;

/// What a completed run left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// The archive as it is downloaded.
    pub zip: Bytes,
    /// Whether it has expired: it is still listed, but its download is answered 410.
    pub expired: bool,
}

impl Artifact {
    /// An artifact with these bytes as its archive.
    pub fn new(name: &str, zip: impl Into<Bytes>) -> Self {
        Self { name: name.into(), zip: zip.into(), expired: false }
    }

    /// An archive of these files.
    pub fn of(name: &str, files: &[(&str, &[u8])]) -> Self {
        let entries: Vec<Entry> =
            files.iter().map(|(file, data)| Entry::deflated(file, data)).collect();
        Self::new(name, archive::write(&entries))
    }

    /// An archive of one JSON file.
    pub fn json(name: &str, file: &str, content: &Value) -> Self {
        Self::of(name, &[(file, content.to_string().as_bytes())])
    }

    /// The diagnose workflow's `diagnose-summary`: `summary.json` with these checks, each with its
    /// name, the status received (0: none) and a detail. A status of 2xx or 3xx is a good one.
    pub fn diagnose_summary(checks: &[(&str, u16, &str)]) -> Self {
        let checks: Vec<Value> = checks
            .iter()
            .map(|&(name, status, detail)| {
                let ok = (200..400).contains(&status);
                json!({"name": name, "ok": ok, "status": status, "detail": detail})
            })
            .collect();
        let summary = json!({
            "version": 1,
            "frontend_url": "https://app.example.com",
            "api_base": "https://api.example.com",
            "checks": checks,
        });
        Self::json("diagnose-summary", "summary.json", &summary)
    }

    /// Marks it as expired.
    pub fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Cuts the archive in half, as after a broken upload.
    pub fn truncated(mut self) -> Self {
        self.zip.truncate(self.zip.len() / 2);
        self
    }

    /// No archive at all.
    pub fn not_a_zip(name: &str) -> Self {
        Self::new(name, "<html><body>Sign in to your network.</body></html>")
    }

    /// An archive of `others` small files and then `file`.
    pub fn many_entries(name: &str, file: &str, content: &Value, others: usize) -> Self {
        let mut entries: Vec<Entry> =
            (0..others).map(|number| Entry::deflated(&format!("{number}.txt"), b"x")).collect();
        entries.push(Entry::deflated(file, content.to_string().as_bytes()));
        Self::new(name, archive::write(&entries))
    }

    /// A zip bomb: `file` is this many MiB of zeros, and a thousandth of that compressed.
    pub fn bomb(name: &str, file: &str, mebibytes: u32) -> Self {
        Self::new(name, archive::write(&[Entry::zeros(file, mebibytes)]))
    }

    /// A zip bomb that claims `file` has 512 bytes.
    pub fn understated_bomb(name: &str, file: &str, mebibytes: u32) -> Self {
        Self::new(name, archive::write(&[Entry::zeros(file, mebibytes).claiming(512)]))
    }

    /// A small `file` that the archive claims has 4 GiB.
    pub fn overstated(name: &str, file: &str, content: &Value) -> Self {
        let entry = Entry::deflated(file, content.to_string().as_bytes()).claiming(CLAIM);
        Self::new(name, archive::write(&[entry]))
    }

    /// Path traversal: `file` is only there under paths outside the archive's folder.
    pub fn traversal(name: &str, file: &str, content: &Value) -> Self {
        let content = content.to_string();
        let paths = [format!("../../{file}"), format!("/{file}"), format!("..\\..\\{file}")];
        let entries: Vec<Entry> =
            paths.iter().map(|path| Entry::deflated(path, content.as_bytes())).collect();
        Self::new(name, archive::write(&entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_what_they_are_called() {
        let content = json!({"a": 1});
        let good = Artifact::json("a", "summary.json", &content);
        assert!(good.zip.starts_with(b"PK\x03\x04"));
        assert!(good.clone().truncated().zip.len() < good.zip.len());
        assert!(Artifact::bomb("a", "f", 64).zip.len() < 128 << 10);
        let has = |artifact: &Artifact, text: &[u8]| {
            artifact.zip.windows(text.len()).any(|window| window == text)
        };
        assert!(has(&Artifact::traversal("a", "f", &content), b"../../f"));
        assert!(has(&Artifact::overstated("a", "f", &content), &CLAIM.to_le_bytes()));
        assert_eq!(Artifact::many_entries("a", "f", &content, 300).zip[..4], *b"PK\x03\x04");
    }
}
