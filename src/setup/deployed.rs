//! What was deployed last, told by its content: the time of a file says nothing of it.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::files;
use super::stopped::Stopped;

/// Beside `samconfig.toml`.
pub(super) const RECORD: &str = "deckhand-deployed.txt";

/// What is to be deployed, and where it is noted that it was.
pub(super) struct Deployed {
    record: PathBuf,
    fingerprint: String,
}

impl Deployed {
    /// `parts`: all that a deploy of this stack takes from files.
    pub(super) fn of(folder: &Path, stack: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in [stack.as_bytes()].iter().chain(parts) {
            hash.update(Sha256::digest(part));
        }
        let fingerprint = format!("{}\n", hex::encode(hash.finalize()));
        Self { record: folder.join(RECORD), fingerprint }
    }

    /// Whether the same was deployed last.
    pub(super) fn is_noted(&self) -> bool {
        files::read(&self.record).is_ok_and(|noted| noted.as_ref() == Some(&self.fingerprint))
    }

    /// Notes that it is deployed.
    pub(super) fn note(&self) -> Result<(), Stopped> {
        if self.is_noted() {
            return Ok(());
        }
        files::write(&self.record, &self.fingerprint, files::PUBLIC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use standins::Scratch;

    #[test]
    fn only_the_same_content_for_the_same_stack_was_deployed() {
        let folder = Scratch::new().unwrap();
        let of = |stack: &str, parts: &[&[u8]]| Deployed::of(folder.path(), stack, parts);
        assert!(!of("a", &[b"x", b"y"]).is_noted());
        of("a", &[b"x", b"y"]).note().unwrap();
        assert!(of("a", &[b"x", b"y"]).is_noted());
        for other in [of("b", &[b"x", b"y"]), of("a", &[b"xy"]), of("a", &[b"y", b"x"])] {
            assert!(!other.is_noted());
        }
    }
}
