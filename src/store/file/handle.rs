//! How the file is made, opened and checked.

use std::fs;
use std::io;
use std::panic;
use std::path::{Path, PathBuf};

use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction,
    ReadableDatabase, StorageError, TableDefinition, TableError, TransactionError,
    WriteTransaction,
};
use uuid::Uuid;

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("deckhand");
pub(super) const ITEMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("items");
pub(super) const EXPIRIES: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("expiries");
pub(super) const DUES: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("dues");

/// The number of the layout that this version writes.
const SCHEMA: u64 = 1;

/// The pages that are kept in memory. All of the file is small.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

#[derive(Clone, Copy)]
pub(super) enum Access {
    Write,
    Read,
}

pub(super) enum Handle {
    Writer(Database),
    Reader(ReadOnlyDatabase),
}

impl Handle {
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, TransactionError> {
        match self {
            Self::Writer(database) => database.begin_read(),
            Self::Reader(database) => database.begin_read(),
        }
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, redb::Error> {
        match self {
            Self::Writer(database) => Ok(database.begin_write()?),
            Self::Reader(_) => Err(io::Error::from(io::ErrorKind::ReadOnlyFilesystem).into()),
        }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .set_cache_size(CACHE_BYTES)
        .set_concurrency_mode(ConcurrencyMode::SingleWriter)
        .set_check_integrity_on_open(true);
    builder
}

/// Makes the file beside its place and moves it there, so that a process that is killed meanwhile leaves
/// no half of a file.
pub(super) fn create(path: &Path) -> Result<(), String> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", Uuid::new_v4()));
    let beside = PathBuf::from(beside);
    let made = fill(&beside)
        .map_err(|error| error.to_string())
        .and_then(|()| put_in_place(&beside, path).map_err(|error| error.to_string()));
    // What is left of a failure is only in the way.
    let _ = fs::remove_file(&beside);
    match made {
        // Another process was faster.
        Err(_) if path.exists() => Ok(()),
        made => made,
    }
}

/// A link does not replace a file that another process has made meanwhile. Some file systems know no links.
fn put_in_place(made: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(made, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
            fs::rename(made, path)
        }
        linked => linked,
    }
}

fn fill(path: &Path) -> Result<(), redb::Error> {
    private(path)?;
    let database = builder().create(path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(ABOUT)?.insert("schema", SCHEMA)?;
    transaction.open_table(ITEMS)?;
    transaction.open_table(EXPIRIES)?;
    transaction.open_table(DUES)?;
    transaction.commit()?;
    Ok(())
}

/// An empty file that only its owner may read: it names people and what they deployed.
fn private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A file that was copied here may be one that others can read.
fn keep_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open_to_others = |mode: u32| mode & 0o077 != 0;
        let mode = fs::metadata(path).map(|file| file.permissions().mode());
        if mode.is_ok_and(open_to_others) {
            match fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
                Ok(()) => {
                    tracing::warn!(file = %path.display(), "others could read it: now only its owner may")
                }
                Err(error) => tracing::warn!(%error, file = %path.display(), "others can read it"),
            }
        }
    }
}

/// Opens a file that is there. Who may write to it checks all of it first.
pub(super) fn open(path: &Path, access: Access) -> Result<Handle, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size == 0 {
        return Err("is empty. Delete it to begin anew".to_owned());
    }
    // redb checks what it reads, but its word for a damaged file may be a panic.
    let opened = panic::catch_unwind(|| match access {
        Access::Write => builder().open(path).map(Handle::Writer),
        Access::Read => builder().open_read_only(path).map(Handle::Reader),
    });
    let handle = match opened {
        Ok(opened) => opened.map_err(|error| not_opened(&error))?,
        Err(_) => return Err(format!("is damaged. {RESTORE}")),
    };
    match schema(&handle).map_err(|error| error.to_string())? {
        Some(SCHEMA) => {
            if let Access::Write = access {
                keep_private(path);
            }
            Ok(handle)
        }
        Some(newer) => Err(format!("is of a newer version of Deckhand (layout {newer})")),
        None => Err(format!("is no file of Deckhand's. {RESTORE}")),
    }
}

fn not_opened(error: &DatabaseError) -> String {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            "is in use by another process".to_owned()
        }
        DatabaseError::RepairAborted => {
            "was not closed properly. `deckhand serve` repairs it when it starts".to_owned()
        }
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() != io::ErrorKind::InvalidData =>
        {
            format!("cannot be opened: {error}")
        }
        error => format!("is damaged, or is no file of Deckhand's ({error}). {RESTORE}"),
    }
}

fn schema(handle: &Handle) -> Result<Option<u64>, redb::Error> {
    match handle.begin_read()?.open_table(ABOUT) {
        Ok(about) => Ok(about.get("schema")?.map(|schema| schema.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const RESTORE: &str = "It was left as it is: restore a copy of it, or name another file";
