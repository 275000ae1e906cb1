//! Checks the output folder, and the jobs that did not end.

use std::{io, path::Path};

use seedream::seedream_client::FolderStore;

use super::findings::{Finding, Findings};

/// Checks that a folder can be written, and that it has no records of unfinished jobs.
pub(super) async fn check(out: &Path, findings: &mut Findings) {
    let shown = out.display().to_string();
    if shown.contains("://") {
        let detail = format!("{shown} is a bucket: check it with: seedream storage check {shown}");
        return findings.add(Finding::not_checked("folder", None, &detail));
    }
    findings.add(match write(out) {
        Ok(true) => Finding::ok("folder", None, &format!("{shown} can be written")),
        Ok(false) => Finding::ok("folder", None, &format!("{shown} can be made")),
        Err(error) => {
            let remedy = "name another folder with --out, or change its permissions";
            Finding::problem("folder", None, &format!("{shown} cannot be written: {error}"), remedy)
        }
    });
    if !out.is_dir() {
        return;
    }
    let found = FolderStore::resumable(out).await;
    let (mut open, mut running, mut damaged) = (0, 0, Vec::new());
    for file in found.into_iter().flatten() {
        match file {
            Ok(file) if file.is_running => running += 1,
            Ok(_) => open += 1,
            Err(refusal) => damaged.push(refusal.to_string()),
        }
    }
    let detail = format!("unfinished in {shown}: {open}; under way: {running}");
    findings.add(if open > 0 {
        Finding::problem(
            "jobs",
            None,
            &detail,
            &format!("fetch what was paid for: seedream resume '{}'", shown.replace('\'', r"'\''")),
        )
    } else {
        Finding::ok("jobs", None, &detail)
    });
    for problem in damaged {
        let remedy = "keep the file, and look at the provider's bill for what it may have cost";
        findings.add(Finding::problem("jobs", None, &problem, remedy));
    }
}

/// Writes a file into a folder and removes it; `false` where the folder is missing and could be made.
fn write(out: &Path) -> io::Result<bool> {
    let there = std::path::absolute(out)?;
    let there = there.ancestors().find(|above| above.exists()).unwrap_or(out);
    if !there.is_dir() {
        return Err(io::Error::other(format!("{} is a file", there.display())));
    }
    tempfile::Builder::new().prefix(".seedream-doctor-").tempfile_in(there)?.close()?;
    Ok(there == std::path::absolute(out)?)
}
