//! The committed counts, by kind of machine.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use crate::{Result, say};

/// By how much a count may exceed its baseline.
const MOST_ABOVE: f64 = 1.05;

/// Counts of each scenario, by kind of machine.
pub(crate) struct Baseline {
    /// This kind of machine.
    machine: String,
    all: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Baseline {
    pub(crate) fn read() -> Result<Self> {
        let all = match fs::read(path()) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { machine: machine()?, all })
    }

    /// Whether there are counts for this kind of machine.
    pub(crate) fn is_known(&self) -> bool {
        self.all.contains_key(&self.machine)
    }

    /// Prints each count beside its baseline, and returns those that are too high.
    pub(crate) fn compare(&self, counts: &[(&str, u64)]) -> Vec<String> {
        let Some(known) = self.all.get(&self.machine) else {
            say(&format!("NO BASELINE HERE: {} has no counts for {}", path().display(), self.machine));
            return Vec::new();
        };
        let mut problems = Vec::new();
        for (name, count) in counts {
            let Some(before) = known.get(*name) else {
                problems.push(format!("{name}: there is no baseline; `--update` writes one"));
                continue;
            };
            let ratio = *count as f64 / *before as f64;
            say(&format!("{name:<14}{before:>14} before {count:>14} now {:>+7.2} %", (ratio - 1.0) * 100.0));
            if ratio > MOST_ABOVE {
                problems.push(format!("{name}: {count} instructions are more than 5 % above the baseline of {before}"));
            }
        }
        problems
    }

    /// Keeps these counts for this kind of machine.
    pub(crate) fn write(&mut self, counts: &[(&str, u64)]) -> Result<()> {
        let own = self.all.entry(self.machine.clone()).or_default();
        own.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), *count)));
        fs::write(path(), serde_json::to_string_pretty(&self.all)? + "\n")?;
        say(&format!("the baseline of {} is in {}: commit it", self.machine, path().display()));
        Ok(())
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

/// What counts depend on: compiler, C library, valgrind, and what the CPU can do under valgrind.
fn machine() -> Result<String> {
    let first_line = |program: &str, arguments: &[&str]| -> Result<String> {
        let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned())
    };
    let exe = std::env::current_exe()?;
    let cpu = first_line("valgrind", &["--quiet", "--tool=none", &exe.to_string_lossy(), "--cpu"])?;
    let compiler = first_line("rustc", &["--version"])?;
    Ok([compiler, first_line("ldd", &["--version"])?, first_line("valgrind", &["--version"])?, cpu].join("; "))
}

/// What this CPU can do, of what the code chooses by.
pub(crate) fn cpu() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("ssse3", is_x86_feature_detected!("ssse3")),
            ("sse4.2", is_x86_feature_detected!("sse4.2")),
            ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
            ("avx2", is_x86_feature_detected!("avx2")),
            ("sha", is_x86_feature_detected!("sha")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
        ];
        let names = known.into_iter().filter(|(_, has)| *has).map(|(name, _)| name);
        format!("x86_64 {}", names.collect::<Vec<_>>().join(" "))
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::env::consts::ARCH.to_owned()
}
