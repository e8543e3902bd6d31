//! Writes files: whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::stopped::Stopped;

/// For the owner's eyes only.
pub(super) const PRIVATE: u32 = 0o600;
/// For everybody's eyes.
pub(super) const PUBLIC: u32 = 0o644;

const ROOT: u32 = 0;

/// The most bytes of a file that is read.
const LONGEST: u64 = 8 * 1024 * 1024;

/// The text of a file; `None`: it is not there.
pub(super) fn read(path: &Path) -> Result<Option<String>, Stopped> {
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text)) {
        Ok(read) if u64::try_from(read).is_ok_and(|read| read <= LONGEST) => Ok(Some(text)),
        Ok(_) => Err(Stopped::mend(format!("{}: it is too large to be right.", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Stopped::mend(format!("{}: cannot be read ({error}).", path.display()))),
    }
}

/// Puts this in the file's place. The new file has these permissions before anything is in it.
pub(super) fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) -> Result<(), Stopped> {
    // A link stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = beside(&path);
    remove_if_there(&new)?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| {
            // Whatever the umask is: a container's user must read what is for everybody.
            file.set_permissions(Permissions::from_mode(mode))?;
            keep_owner(&file, &path)?;
            file.write_all(text.as_ref())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&new, &path));
    written.map_err(|error| {
        let _ = fs::remove_file(&new);
        unwritten(&path, &error)
    })
}

/// Whether a file can be written there; nothing is, in a dry run. It need not be there yet.
pub(super) fn check(path: &Path, dry_run: bool) -> Result<(), Stopped> {
    if read(path)?.is_none() && fs::symlink_metadata(path).is_ok() {
        return Err(Stopped::mend(format!(
            "{}: it is a link to a file that is not there. Make that file, or remove the link.",
            path.display()
        )));
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute(&path)?.parent().map(Path::to_owned).unwrap_or_default();
    if !folder.is_dir() {
        return Err(Stopped::mend(format!(
            "{}: there is no folder {}.",
            path.display(),
            folder.display()
        )));
    }
    if dry_run {
        return Ok(());
    }
    let new = beside(&path);
    remove_if_there(&new)?;
    let tried = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&new);
    tried.and_then(|_| fs::remove_file(&new)).map_err(|error| unwritten(&path, &error))
}

fn unwritten(path: &Path, error: &io::Error) -> Stopped {
    Stopped::mend(format!("{}: cannot be written ({error}).", path.display()))
}

/// Removes what an interrupted run left.
fn remove_if_there(path: &Path) -> Result<(), Stopped> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritten(path, &error)),
        _ => Ok(()),
    }
}

/// Gives the new file the owner of the one that it replaces. What root makes in somebody's folder is theirs.
fn keep_owner(new: &File, path: &Path) -> io::Result<()> {
    let own = new.metadata()?;
    let before = fs::metadata(path).or_else(|error| match path.parent() {
        Some(folder) if own.uid() == ROOT => fs::metadata(folder),
        _ => Err(error),
    });
    match before {
        Ok(before) if before.uid() != own.uid() => {
            fchown(new, Some(before.uid()), Some(before.gid()))
        }
        _ => Ok(()),
    }
}

/// The user who owns a file, by number, if that is not root. `None`, too, if it is not there.
pub(super) fn owner(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|file| file.uid()).filter(|uid| *uid != ROOT)
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
    fn the_umask_takes_no_permission_away() {
        let folder = Scratch::new().unwrap();
        let file = folder.file("x.toml");
        // The usual umask would make 644 of it.
        write(&file, "a = 1", 0o666).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o666);
    }

    #[test]
    fn the_owner_stays_and_what_root_makes_in_a_folder_is_of_its_owner() {
        let folder = Scratch::new().unwrap();
        let file = folder.file("x.env");
        write(&file, "A=1", PRIVATE).unwrap();
        if fs::metadata(&file).unwrap().uid() != ROOT {
            // Only root can give files away: here the owner is who it was.
            assert_eq!(owner(&file), Some(fs::metadata(folder.path()).unwrap().uid()));
            return;
        }
        assert_eq!(owner(&file), None);
        std::os::unix::fs::chown(&file, Some(4711), Some(4712)).unwrap();
        write(&file, "A=2", PRIVATE).unwrap();
        let there = fs::metadata(&file).unwrap();
        assert_eq!((owner(&file), there.gid(), there.mode() & 0o777), (Some(4711), 4712, 0o600));
        std::os::unix::fs::chown(folder.path(), Some(4711), None).unwrap();
        write(&folder.file("new.env"), "A=1", PRIVATE).unwrap();
        assert_eq!(owner(&folder.file("new.env")), Some(4711));
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
