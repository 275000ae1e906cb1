//! What something costs the process that does it.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::Result;

/// What one unit cost, a call for instance, and what all of them took in memory.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Microseconds by the clock on the wall.
    pub(crate) wall: f64,
    /// Microseconds of CPU time, the kernel's on our behalf included.
    pub(crate) cpu: f64,
    /// By how many KiB the process grew at most.
    pub(crate) growth: f64,
    /// How many KiB it had at most.
    pub(crate) peak: f64,
}

/// Counts while it runs.
#[derive(Debug)]
pub(crate) struct Meter {
    resident: f64,
    started: Instant,
    used: f64,
    wall: Duration,
    cpu: f64,
}

impl Meter {
    /// Starts.
    pub(crate) fn start() -> Result<Self> {
        let (resident, used) = (status("VmRSS")?, cpu()?);
        Ok(Self { resident, started: Instant::now(), used, wall: Duration::ZERO, cpu: 0.0 })
    }

    /// Counts no time until [`Meter::again`]: what follows is housekeeping.
    pub(crate) fn pause(&mut self) -> Result<()> {
        self.wall += self.started.elapsed();
        self.cpu += cpu()? - self.used;
        Ok(())
    }

    /// Counts on.
    pub(crate) fn again(&mut self) -> Result<()> {
        (self.used, self.started) = (cpu()?, Instant::now());
        Ok(())
    }

    /// What each of so many units has cost.
    pub(crate) fn stop(mut self, units: usize) -> Result<Cost> {
        self.pause()?;
        self.cost(units)
    }

    /// The same of a meter that pauses.
    pub(crate) fn cost(self, units: usize) -> Result<Cost> {
        let peak = status("VmHWM")?;
        let units = units as f64;
        let wall = self.wall.as_secs_f64() * 1e6 / units;
        Ok(Cost { wall, cpu: self.cpu / units, growth: peak - self.resident, peak })
    }
}

/// Microseconds of CPU time of all threads; those of a runtime that is idle for seconds only are all still there.
fn cpu() -> Result<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        let stat = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += stat.split_whitespace().next().ok_or("schedstat")?.parse::<f64>()?;
    }
    Ok(nanoseconds / 1e3)
}

/// A line of `/proc/self/status`, in KiB.
fn status(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).ok_or("status")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
