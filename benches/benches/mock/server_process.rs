//! A server in a process of its own, and what it has cost so far.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::Result;

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// Held open, so that it can go on writing.
    _stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server whose first line says where it listens.
    pub(crate) fn start(command: &mut Command, read: impl FnOnce(&str) -> Result<SocketAddr>) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = read(line.trim())?;
        Ok(Self { child, _stdout: stdout, address })
    }

    /// Microseconds of CPU time of all its threads, the kernel's on their behalf included.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            nanoseconds += ran(&task?.path().join("schedstat").to_string_lossy())?;
        }
        Ok(nanoseconds / 1e3)
    }

    /// How many KiB of memory it has.
    pub(crate) fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What has ended by itself cannot be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nanoseconds of CPU time in a `schedstat` of the kernel's.
pub(crate) fn ran(path: &str) -> Result<f64> {
    let stat = fs::read_to_string(path)?;
    Ok(stat.split_whitespace().next().ok_or("schedstat")?.parse()?)
}
