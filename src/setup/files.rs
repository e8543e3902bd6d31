//! Writes files: whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::stopped::Stopped;

/// For the owner's eyes only.
pub(super) const PRIVATE: u32 = 0o600;
/// For everybody's eyes.
pub(super) const PUBLIC: u32 = 0o644;

/// The text of a file; `None`: it is not there.
pub(super) fn read(path: &Path) -> Result<Option<String>, Stopped> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Stopped::mend(format!("{}: cannot be read ({error})", path.display()))),
    }
}

/// Puts the text in the file's place. The new file has these permissions before it has any text.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> Result<(), Stopped> {
    let failed = |error: io::Error| {
        Stopped::mend(format!("{}: cannot be written ({error})", path.display()))
    };
    // A link stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = beside(&path);
    // What an interrupted run left.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&new, &path));
    written.map_err(|error| {
        let _ = fs::remove_file(&new);
        failed(error)
    })
}

/// Where a file is written before it takes the place of the other.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// The path from the root, also of a file that is not there.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Stopped> {
    std::path::absolute(path)
        .map_err(|error| Stopped::mend(format!("{}: no usable path ({error})", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use standins::Scratch;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_with_its_permissions() {
        let folder = Scratch::new().unwrap();
        let (file, link) = (folder.file("x.env"), folder.file("link.env"));
        fs::write(&file, "A=1").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        // What an interrupted run left is no obstacle, also if it is a link to elsewhere.
        std::os::unix::fs::symlink(folder.file("elsewhere"), folder.file("x.env.new")).unwrap();
        write(&link, "A=2", PRIVATE).unwrap();
        assert_eq!(read(&file), Ok(Some("A=2".to_owned())));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(!folder.file("elsewhere").exists() && !folder.file("x.env.new").exists());
    }

    #[test]
    fn what_cannot_be_written_is_named_and_leaves_nothing() {
        let folder = Scratch::new().unwrap();
        let file = folder.file("no/such/x.env");
        let error = write(&file, "A=secret", PRIVATE).unwrap_err().to_string();
        assert!(error.contains("x.env: cannot be written") && !error.contains("secret"), "{error}");
        assert_eq!(read(&file), Ok(None));
    }
}
