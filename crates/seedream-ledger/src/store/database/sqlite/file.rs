//! Opens the file: what it has to be, and how it is written.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};
use seedream_client::Refusal;

use crate::store::{
    database::schema,
    failure::{refused, storage},
    folder::folder,
};

/// How long another process is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// Versions before this one can lose a commit when two processes write (<https://sqlite.org/wal.html>, the WAL-reset bug).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Opens a ledger, and makes one where there is no file.
pub(super) fn open(path: &Path) -> Result<Connection, Refusal> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(refused(format!("SQLite {} can lose a commit: 3.51.3 is needed", rusqlite::version())));
    }
    let folder = folder(path);
    if is_remote(&folder).map_err(|error| unreadable(&folder, error))? {
        let message = format!(
            "the ledger {} is on a network file system, whose locks cannot be relied on: put it on a local disk",
            path.display()
        );
        return Err(refused(message));
    }
    let is_new = !path.exists();
    let failed = |error: rusqlite::Error| storage(&path.display().to_string(), error.into());
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    migrate(&mut connection, path)?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if check != "ok" {
        return Err(refused(format!(
            "the ledger {} is damaged: {check}; nothing was changed: copy it, and export what can be read",
            path.display()
        )));
    }
    if is_new && !cfg!(windows) {
        // Its name lasts.
        fs::File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|error| unreadable(&folder, error))?;
    }
    Ok(connection)
}

/// The one path of a ledger, beside which its locks are: a process that names it by a link has to find the same ones.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, Refusal> {
    let folder = folder(path);
    let Some(name) = path.file_name() else {
        return Err(refused(format!("{} names no file for a ledger", path.display())));
    };
    let real = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(_) => fs::canonicalize(&folder).map_err(|error| unreadable(&folder, error))?.join(name),
    };
    #[cfg(unix)]
    if fs::metadata(&real).is_ok_and(|file| std::os::unix::fs::MetadataExt::nlink(&file) > 1) {
        return Err(refused(format!("the ledger {} has several names: remove the other hard links", path.display())));
    }
    Ok(real)
}

/// Opens a ledger that may be damaged, to read it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, Refusal> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| storage(&path.display().to_string(), error.into()))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let message = format!("its journal is `{mode}`, since the file system cannot share memory");
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some(message),
        ));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON;",
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Without it a statement is prepared again for each value that it is given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Brings the schema to this program's version.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Refusal> {
    let failed = |error: rusqlite::Error| storage(&path.display().to_string(), error.into());
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let number = |pragma| transaction.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let version = number("PRAGMA user_version").map_err(failed)?;
    let application = number("PRAGMA application_id").map_err(failed)?;
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(failed)?;
    if tables > 0 && application != schema::APPLICATION {
        return Err(refused(format!("{} is a database of another program, not a ledger", path.display())));
    }
    if version > schema::VERSION {
        return Err(refused(format!(
            "the ledger {} has version {version}, and this program reads version {}: use a newer one",
            path.display(),
            schema::VERSION
        )));
    }
    let steps = match version {
        0 => vec![schema::sqlite()],
        1 => vec![schema::sqlite_from_1(), schema::sqlite_from_2()],
        2 => vec![schema::sqlite_from_2()],
        _ => Vec::new(),
    };
    steps.iter().try_for_each(|sql| transaction.execute_batch(sql)).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn unreadable(folder: &Path, error: io::Error) -> Refusal {
    Refusal::storage(format!("the folder {} cannot be used: {error}", folder.display()), error)
}

/// Whether the folder is on a file system of another machine.
#[cfg(target_os = "linux")]
fn is_remote(folder: &Path) -> io::Result<bool> {
    // The type of the number differs between machines.
    #[allow(clippy::unnecessary_cast, reason = "not on every machine")]
    let kind = rustix::fs::statfs(folder)?.f_type as u64;
    Ok(is_remote_kind(kind))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(folder: &Path) -> io::Result<bool> {
    fs::metadata(folder).map(|_| false)
}

/// NFS, SMB and CIFS, 9P, AFS, Coda, Ceph, Lustre, GFS2, OCFS2, and FUSE, which most other ones are made with.
#[cfg(target_os = "linux")]
fn is_remote_kind(kind: u64) -> bool {
    const REMOTE: [u32; 12] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x5346_414f,
        0x7375_7245,
        0x00c3_6400,
        0x0bd0_0bd0,
        0x0116_1970,
        0x7461_636f,
        0x6573_5546,
    ];
    REMOTE.iter().any(|remote| u64::from(*remote) == kind & 0xffff_ffff)
}

/// Which start of the machine this is, where the system says so.
pub(super) fn boot() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    let read = || fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|boot| boot.trim().to_owned());
    BOOT.get_or_init(|| if cfg!(target_os = "linux") { read() } else { None }).as_deref()
}

/// The time since the machine started, in seconds, which no one sets; the wall clock where the system does not say which start that was.
pub(super) fn clock() -> i64 {
    #[cfg(target_os = "linux")]
    if boot().is_some() {
        return rustix::time::clock_gettime(rustix::time::ClockId::Boottime).tv_sec;
    }
    seedream_core::Timestamp::now().unix_seconds()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn file_systems_of_other_machines_are_known_by_their_number() {
        let (ext4, nfs, tmpfs, fuse, smb2) = (0xef53, 0x6969, 0x0102_1994, 0x6573_5546, 0xfe53_4d42);
        for (kind, is_remote) in [(ext4, false), (tmpfs, false), (nfs, true), (fuse, true), (smb2, true)] {
            assert_eq!(super::is_remote_kind(kind), is_remote, "{kind:x}");
        }
        assert!(super::is_remote_kind(0xffff_ffff_fe53_4d42), "sign-extended");
    }
}
