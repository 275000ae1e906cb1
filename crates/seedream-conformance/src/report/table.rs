//! The report for a terminal.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    case_report::{CaseReport, CaseStatus},
    summary::{Report, RunFault},
};
use crate::{Law, RequirementLevel};

/// Laws down, providers across: how many cases hold, and of how many where some do not.
pub(super) fn table(report: &Report) -> String {
    let mut cells: BTreeMap<(Law, &str), (usize, usize)> = BTreeMap::new();
    let mut providers: Vec<&str> = Vec::new();
    for entry in report.cases.iter().filter(|entry| entry.status != CaseStatus::NotRun) {
        if !providers.contains(&entry.provider.as_str()) {
            providers.push(&entry.provider);
        }
        let (good, all) = cells.entry((entry.law, &entry.provider)).or_default();
        *good += usize::from(matches!(entry.status, CaseStatus::Pass | CaseStatus::KnownFailing));
        *all += usize::from(entry.status != CaseStatus::Skip);
    }
    let mut text = format!("{:16}", "LAW");
    for provider in &providers {
        let _ = write!(text, "{provider:>13}");
    }
    text.push('\n');
    for law in Law::ALL {
        let _ = write!(text, "{:16}", law.as_str());
        for provider in &providers {
            let cell = match cells.get(&(law, provider)) {
                None => "-".to_owned(),
                Some((0, 0)) => "skip".to_owned(),
                Some((good, all)) if good == all => all.to_string(),
                Some((good, all)) => format!("{good}/{all} FAIL"),
            };
            let _ = write!(text, "{cell:>13}");
        }
        text.push('\n');
    }
    text.push('\n');
    for entry in report
        .cases
        .iter()
        .filter(|entry| matches!(entry.status, CaseStatus::Fail | CaseStatus::Stale | CaseStatus::HarnessError))
    {
        failure(&mut text, entry);
    }
    for fault in &report.faults {
        let (RunFault::Known(what) | RunFault::TooFew(what)) = fault;
        let _ = writeln!(text, "error: {what}");
    }
    summary(&mut text, report);
    text
}

fn failure(text: &mut String, entry: &CaseReport) {
    let weight = if entry.level == RequirementLevel::May { ", which gates nothing" } else { "" };
    let _ =
        writeln!(text, "{} {} ({}{weight})", entry.status.as_str().to_uppercase(), entry.name, entry.level.as_str());
    for line in entry.told() {
        let _ = writeln!(text, "  {}", line.replace('\n', "\n  "));
    }
    text.push('\n');
}

fn summary(text: &mut String, report: &Report) {
    let counts = report.counts.iter().map(|(status, count)| format!("{count} {}", status.as_str()));
    let facts = report.facts.iter().map(|(kind, count)| format!("{count} {kind}"));
    let _ = writeln!(text, "cases  {}", counts.collect::<Vec<_>>().join(", "));
    let _ = writeln!(text, "facts  {}", facts.collect::<Vec<_>>().join(", "));
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in report.cases.iter().filter(|entry| entry.status == CaseStatus::Skip) {
        *reasons.entry(entry.reason.as_deref().unwrap_or_default()).or_default() += 1;
    }
    for (reason, count) in reasons {
        let _ = writeln!(text, "skip {count:3}: {reason}");
    }
    let partial = report.filter.as_ref().map(|filter| format!(", partial: only {filter}")).unwrap_or_default();
    let _ = writeln!(text, "requirements {}{partial}", report.requirements);
}
