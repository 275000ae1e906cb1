//! Adapters and clients that are broken on purpose: a suite that lets one of them pass is worth nothing.

mod broken_dialect;
mod clients;
mod crooked;
mod decoders;
mod downloads;
mod dropped_fields;
mod encoders;
mod forget_field;
mod limits_off_by_one;
mod mutant;
mod streams;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::{Case, Law, RequirementLevel, Subject, cases, run::parallel::side_by_side};
use mutant::Mutant;

/// All of them, in the order of the matrix: what others have got wrong, one mistake each.
fn all() -> Vec<Mutant> {
    let (adapters, clients) = (encoders::all(), clients::all());
    let all = [
        dropped_fields::all(),
        adapters,
        limits_off_by_one::all(),
        decoders::all(),
        streams::all(),
        clients,
        crooked::all(),
        downloads::all(),
    ];
    all.into_iter().flatten().collect()
}

/// Which mutants are killed by which cases.
#[derive(Clone, Debug)]
pub struct MutantMatrix {
    mutants: Vec<MutantOutcome>,
    /// How many cases that must hold there are of each law, and the names of those that kill no mutant.
    idle: BTreeMap<Law, (usize, Vec<String>)>,
    /// Whether these are the mutants of one adapter, which has no case for some of them.
    of_one: bool,
}

#[derive(Clone, Debug)]
struct MutantOutcome {
    name: &'static str,
    says: &'static str,
    /// Of each law that kills it, how many cases do.
    laws: BTreeMap<Law, usize>,
    /// The first case that does, in the order of laws and names.
    first: Option<String>,
    /// Whether it changes anything; `false` only of a survivor among the mutants of one adapter.
    applies: bool,
}

impl MutantMatrix {
    /// Breaks each adapter in every way and runs every case on it.
    pub fn over(subjects: &[Subject]) -> Self {
        Self::chosen(subjects, |_, _| true)
    }

    /// Breaks one adapter, such as one of another project, in every way and runs every case on it. The client is left as it is, a
    /// mistake that changes nothing of this adapter does not apply, and a case that kills nothing is no fault.
    ///
    /// `chosen` gets the names of mutant and case; the name of the case is empty where the mutant as a whole is meant.
    pub fn of_adapter(subject: &Subject, chosen: impl Fn(&str, &str) -> bool) -> Self {
        let mutants: Vec<_> = all().into_iter().filter(|mutant| !mutant.of_client && chosen(mutant.name, "")).collect();
        Self::of(&mutants, std::slice::from_ref(subject), chosen, true)
    }

    /// The part of it that some cases make, chosen by the names of mutant and case.
    pub fn chosen(subjects: &[Subject], chosen: impl Fn(&str, &str) -> bool) -> Self {
        Self::of(&all(), subjects, chosen, false)
    }

    fn of(mutants: &[Mutant], subjects: &[Subject], chosen: impl Fn(&str, &str) -> bool, of_one: bool) -> Self {
        let of = |mutant: &Mutant| -> Vec<(String, Law, RequirementLevel, bool)> {
            let mut broken: Vec<Case> = subjects.iter().flat_map(|subject| cases(&mutant.of(subject))).collect();
            broken.retain(|case| case.skip().is_none() && chosen(mutant.name, &case.name()));
            broken.sort_by_key(|case| (case.law(), case.name()));
            let killed = |case: &Case| case.run().is_err_and(|failure| !failure.is_harness());
            let outcomes = side_by_side(&broken, killed);
            let of = |(case, killed): (&Case, bool)| (case.name(), case.law(), case.level(), killed);
            broken.iter().zip(outcomes).map(of).collect()
        };
        let (mut kills, mut must) = (BTreeSet::new(), BTreeSet::new());
        let judged = |mutant: &Mutant| {
            let mut killed = MutantOutcome {
                name: mutant.name,
                says: mutant.says,
                laws: BTreeMap::new(),
                first: None,
                applies: true,
            };
            for (name, law, level, died) in of(mutant) {
                if level == RequirementLevel::Must {
                    must.insert((law, name.clone()));
                }
                if died {
                    kills.insert(name.clone());
                    *killed.laws.entry(law).or_default() += 1;
                    killed.first.get_or_insert(name);
                }
            }
            let run = |subject: &Subject| {
                let mut all = cases(subject);
                all.retain(|case| chosen(mutant.name, &case.name()));
                side_by_side(&all, |case| drop(case.run()));
            };
            if of_one && killed.first.is_none() {
                killed.applies = subjects.iter().any(|subject| mutant.changes(subject, run));
            }
            killed
        };
        let mutants = mutants.iter().map(judged).collect();
        let mut idle: BTreeMap<Law, (usize, Vec<String>)> = BTreeMap::new();
        for (law, name) in must {
            let (all, none) = idle.entry(law).or_default();
            *all += 1;
            if !kills.contains(&name) {
                none.push(name);
            }
        }
        Self { mutants, idle, of_one }
    }

    /// What is wrong with the suite: mutants that live, laws that kill none, and cases that must hold and kill none.
    pub fn faults(&self) -> Vec<String> {
        let lives = |mutant: &&MutantOutcome| mutant.first.is_none() && mutant.applies;
        let idle = |law: &&Law| !self.mutants.iter().any(|mutant| mutant.laws.contains_key(law));
        let alive = self.mutants.iter().filter(lives).map(|mutant| format!("{} lives: {}", mutant.name, mutant.says));
        let laws = Law::ALL.iter().filter(idle).map(|law| format!("the law {law} kills no mutant"));
        let cases = self.idle.values().flat_map(|(_, idle)| idle).map(|name| format!("{name} kills no mutant"));
        // The cases of one provider need not kill anything of another.
        alive.chain(laws.chain(cases).filter(|_| !self.of_one)).collect()
    }

    /// The matrix in Markdown: mutants down, laws across, and which case came first.
    pub fn to_markdown(&self) -> String {
        let mut text = "| mutant | what it does wrong | killed by | first |\n|---|---|---|---|\n".to_owned();
        for mutant in &self.mutants {
            let laws: Vec<_> = mutant.laws.keys().map(|law| law.as_str()).collect();
            let none = if mutant.applies { "**none**" } else { "does not apply" };
            let first = mutant.first.as_deref().map_or(none.to_owned(), |name| format!("`{name}`"));
            let _ = writeln!(text, "| {} | {} | {} | {first} |", mutant.name, mutant.says, laws.join(", "));
        }
        text
    }

    /// The same for a terminal: a letter a law, how many cases of each that must hold kill nothing, and what is wrong.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        for mutant in &self.mutants {
            let none = if mutant.applies { "SURVIVES" } else { "does not apply: it changes nothing here" };
            let first = mutant.first.as_deref().unwrap_or(none);
            let _ = writeln!(text, "{:26} {}", mutant.name, first);
            let laws: Vec<_> = mutant.laws.iter().map(|(law, count)| format!("{law} {count}")).collect();
            let _ = writeln!(text, "{:26} {}", "", laws.join(", "));
        }
        text.push_str("\nLAW              MUTANTS   MUST CASES   OF THEM KILL NONE\n");
        for law in Law::ALL {
            let mutants = self.mutants.iter().filter(|mutant| mutant.laws.contains_key(&law)).count();
            let (all, none) = self.idle.get(&law).map_or((0, 0), |(all, none)| (*all, none.len()));
            let _ = writeln!(text, "{:16} {mutants:7} {all:12} {none:19}", law.as_str());
        }
        for fault in self.faults() {
            let _ = writeln!(text, "error: {fault}");
        }
        let killed = self.mutants.iter().filter(|mutant| mutant.first.is_some()).count();
        let applicable = self.mutants.iter().filter(|mutant| mutant.applies).count();
        let _ = writeln!(text, "\n{killed} of {applicable} mutants are killed");
        text
    }
}
