//! A PostgreSQL server for tests: a cluster in a temporary folder, reached through a socket in it, which ends with the process that
//! started it, however that ends.
//!
//! Where PostgreSQL is not installed there is none, and a test says so and does nothing. With `SEEDREAM_REQUIRE_SERVERS=1` it fails.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A server. Dropped, it ends, and its files are removed.
pub(crate) struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    /// Waits for the end of this process, and ends the server then.
    guard: Child,
    databases: AtomicU32,
}

impl Postgres {
    /// The server of this process, for tests that only need a database.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(Self::start_quietly).as_ref().or_else(missing)
    }

    /// A server of its own, which may be stopped.
    pub(crate) fn start() -> Option<Self> {
        Self::start_quietly().or_else(missing)
    }

    fn start_quietly() -> Option<Self> {
        let bin = bin()?;
        let folder = tempfile::Builder::new().prefix("seedream-pg-").tempdir().unwrap().keep();
        if is_root() {
            succeeds(Command::new("chown").arg("nobody").arg(&folder));
        }
        let stop = "trap '' INT TERM HUP; cat >/dev/null; \"$@\"; rm -rf \"$0\"";
        let mut guard = Command::new("sh");
        guard.arg("-c").arg(stop).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let ctl = as_owner(&bin.join("pg_ctl"));
        guard.arg(ctl.get_program()).args(ctl.get_args());
        guard.arg("-D").arg(folder.join("data")).args(["-m", "immediate", "stop"]);
        let server = Self { guard: guard.spawn().unwrap(), bin, folder, databases: AtomicU32::new(0) };
        let data = server.folder.join("data");
        succeeds(
            server
                .command("initdb")
                .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
                .arg(&data),
        );
        server.configure("listen_addresses", "''");
        server.configure("unix_socket_directories", &format!("'{}'", server.folder.display()));
        server.configure("max_connections", "200");
        server.ctl(&["start"]);
        Some(server)
    }

    /// The URL of a database that no other test has.
    pub(crate) fn url_of_new_database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::SeqCst));
        // It is made of one that no client is connected to.
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        self.url(&name)
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.folder.display())
    }

    /// Executes statements, past any ledger, in the database of a name or URL; gives back what they print.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        let name = database.strip_prefix("postgres:///").and_then(|rest| rest.split('?').next()).unwrap_or(database);
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]).arg(&self.folder);
        let done = psql.args(["-d", name, "-c", sql]).output().unwrap();
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Lets every worker of a ledger look as if it had not been seen for long, as after the end of its process.
    pub(crate) fn forget_workers(&self, database: &str) {
        self.psql(database, "UPDATE seedream_ledger.worker SET seen_at = 0");
    }

    /// Sets a parameter for the next start.
    pub(crate) fn configure(&self, parameter: &str, value: &str) {
        let path = self.folder.join("data/postgresql.conf");
        let mut file = fs::File::options().append(true).open(path).unwrap();
        writeln!(file, "{parameter} = {value}").unwrap();
    }

    /// Gives the server a file that only it may read.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.folder.join("data").join(name);
        fs::write(&path, text).unwrap();
        succeeds(Command::new("chmod").arg("600").arg(&path));
        if is_root() {
            succeeds(Command::new("chown").arg("nobody").arg(&path));
        }
    }

    /// Ends the server as a crash does, and starts it again.
    pub(crate) fn restart(&self) {
        self.ctl(&["-m", "immediate", "restart"]);
    }

    /// Ends the server as a crash does.
    pub(crate) fn stop(&self) {
        self.ctl(&["-m", "immediate", "stop"]);
    }

    /// Starts the server after [`stop`](Self::stop).
    pub(crate) fn start_again(&self) {
        self.ctl(&["start"]);
    }

    /// Makes the server a standby that is promoted at once: it goes on with another timeline, as after a failover.
    pub(crate) fn fail_over(&self) {
        self.ctl(&["-m", "fast", "stop"]);
        fs::write(self.folder.join("data/standby.signal"), "").unwrap();
        self.ctl(&["start"]);
        self.ctl(&["promote"]);
    }

    fn ctl(&self, arguments: &[&str]) {
        let mut ctl = self.command("pg_ctl");
        let log = self.folder.join("data/log.txt");
        succeeds(ctl.arg("-D").arg(self.folder.join("data")).arg("-l").arg(log).arg("-w").args(arguments));
    }

    fn command(&self, program: &str) -> Command {
        as_owner(&self.bin.join(program))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A server refuses to run as root.
fn as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command.current_dir("/");
    command
}

/// Whether this process is root.
fn is_root() -> bool {
    static IS_ROOT: OnceLock<bool> = OnceLock::new();
    *IS_ROOT.get_or_init(|| Command::new("id").arg("-u").output().is_ok_and(|done| done.stdout.trim_ascii() == b"0"))
}

fn succeeds(command: &mut Command) {
    // What a server inherits stays open as long as it runs.
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(done.success(), "{command:?}: {done}");
}

/// The folder of the newest server that is installed.
fn bin() -> Option<PathBuf> {
    let version = |path: &Path| path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
    let installed = fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = installed.filter_map(|entry| Some(entry.ok()?.path())).max_by_key(|path| version(path))?;
    Some(newest.join("bin")).filter(|bin| bin.join("initdb").exists())
}

fn missing<T>() -> Option<T> {
    assert!(
        std::env::var_os("SEEDREAM_REQUIRE_SERVERS").is_none_or(|value| value != "1"),
        "PostgreSQL is not installed: apt-get install postgresql"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not by a macro, whose output of a test that passes is not shown.
    let message = format!("{test}: not run on PostgreSQL, which is not installed: apt-get install postgresql\n");
    let _ = std::io::stderr().write_all(message.as_bytes());
    None
}
