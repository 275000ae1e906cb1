//! The suite can fail: what is kept in the README is what happens.

use std::collections::BTreeMap;

use seedream_conformance::{MutantMatrix, Subject};

/// The rows of the matrix in the README.
fn kept() -> Vec<&'static str> {
    let readme = include_str!("../../README.md");
    let rows = readme.lines().skip_while(|line| !line.starts_with("| mutant |")).skip(2);
    rows.take_while(|line| line.starts_with('|')).collect()
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

/// Each mutant is killed by the case that the README names. `seedream conformance mutants` runs every case on every mutant; here
/// only those that are named run, since that takes a while without optimisation.
#[test]
fn every_mutant_is_killed_by_the_case_that_the_readme_names() {
    std::panic::set_hook(Box::new(|_| ()));
    let subjects: Vec<Subject> = seedream::dialects().into_iter().map(Subject::new).collect();
    let named: BTreeMap<&str, &str> =
        kept().into_iter().map(|row| (cells(row)[0], cells(row)[3].trim_matches('`'))).collect();
    let matrix = MutantMatrix::chosen(&subjects, |mutant, case| named.get(mutant) == Some(&case));
    // What fails from here on is to be seen.
    drop(std::panic::take_hook());
    let ran = matrix.to_markdown();
    let of = |row: &str| [0, 1, 3].map(|column| cells(row)[column].to_owned());
    let ran: Vec<_> = ran.lines().skip(2).map(of).collect();
    for (ran, kept) in ran.iter().zip(kept().into_iter().map(of)) {
        assert_eq!(*ran, kept);
    }
    assert_eq!(ran.len(), kept().len());
    assert!(ran.len() >= 20);
}

/// Every law is there for something.
#[test]
fn every_law_kills_a_mutant() {
    let rows = kept();
    for law in seedream_conformance::Law::ALL {
        let kills = rows.iter().any(|row| cells(row)[2].split(", ").any(|name| name == law.as_str()));
        assert!(kills, "{law}");
    }
}

/// A case that must hold and that no mutant breaks is named.
#[test]
fn a_case_that_kills_no_mutant_is_a_fault() {
    let subjects: Vec<Subject> = seedream::dialects().into_iter().take(1).map(Subject::new).collect();
    let case = format!("encode/{}/generate/chinese-prompt", subjects[0].id());
    let faults =
        |mutant: &str| MutantMatrix::chosen(&subjects, |name, chosen| name == mutant && chosen == case).faults();
    let idle = format!("{case} kills no mutant");
    assert!(faults("moved-away").contains(&idle));
    assert!(!faults("wrong-path").contains(&idle));
}
