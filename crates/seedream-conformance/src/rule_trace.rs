//! Which cases hold each rule of a document, and what of a document no rule states.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use seedream_fixtures::{DocumentFacts, DocumentRule, EvidenceKind, FactSource, ProviderFacts, ranges};

use crate::{Law, Subject, cases};

/// The rules of some documents with their cases. It is complete where [`RuleTrace::gaps`] is empty.
#[derive(Clone, Debug, Default)]
pub struct RuleTrace {
    documents: Vec<DocumentTrace>,
}

/// One document.
#[derive(Clone, Debug)]
struct DocumentTrace {
    id: String,
    lines: u32,
    rows: Vec<TraceRow>,
    gaps: Vec<String>,
}

/// One rule, or lines without one.
#[derive(Clone, Debug)]
struct TraceRow {
    lines: String,
    /// The name of the rule.
    rule: Option<String>,
    /// What it says, or what stands there instead.
    says: String,
    /// The cases that show it, with the laws that pick them up.
    cases: Vec<(String, BTreeSet<Law>)>,
    untestable: Option<String>,
    /// Whether it is a row of a table or an example, which the test `documents` holds.
    printed: bool,
}

impl RuleTrace {
    /// Traces the documents of some adapters' providers.
    pub fn of(subjects: &[Subject]) -> Self {
        let mut documents: Vec<DocumentTrace> = subjects.iter().filter_map(traced).collect();
        documents.sort_by(|a, b| a.id.cmp(&b.id));
        Self { documents }
    }

    /// What is missing, one sentence each: a line that no rule states and that is not said to be silent, a documented fact that no
    /// rule names, a rule whose case does not exist or is picked up by no law.
    pub fn gaps(&self) -> Vec<String> {
        let of = |document: &DocumentTrace| {
            let id = document.id.clone();
            document.gaps.clone().into_iter().map(move |gap| format!("document {id}: {gap}"))
        };
        self.documents.iter().flat_map(of).collect()
    }

    /// The rules with their cases, in the order of the lines, and the counts.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        for document in &self.documents {
            for row in &document.rows {
                let rule = row.rule.as_deref().unwrap_or("-");
                let _ = writeln!(text, "{}  {:12} {rule:28} {}", document.id, row.lines, row.says);
                for (case, laws) in &row.cases {
                    let laws: Vec<_> = laws.iter().map(|law| law.as_str()).collect();
                    let _ = writeln!(text, "{:18} {case} ({})", "", laws.join(", "));
                }
                if let Some(why) = &row.untestable {
                    let _ = writeln!(text, "{:18} no case: {why}", "");
                }
            }
            text.push('\n');
        }
        for document in &self.documents {
            let _ = writeln!(text, "{}", document.summary());
        }
        let gaps = self.gaps();
        for gap in &gaps {
            let _ = writeln!(text, "gap: {gap}");
        }
        let _ = writeln!(text, "gaps {}", gaps.len());
        text
    }
}

impl DocumentTrace {
    fn summary(&self) -> String {
        let rules: Vec<_> = self.rows.iter().filter(|row| row.rule.is_some() && !row.printed).collect();
        let printed = self.rows.iter().filter(|row| row.printed).count();
        let without = rules.iter().filter(|row| row.untestable.is_some()).count();
        let cases: BTreeSet<_> = rules.iter().flat_map(|row| &row.cases).map(|(case, _)| case).collect();
        let trials: usize = rules.iter().flat_map(|row| &row.cases).map(|(_, laws)| laws.len()).sum();
        let (id, lines, all, cases) = (&self.id, self.lines, rules.len(), cases.len());
        format!(
            "{id}  {lines} lines, {all} rules: {cases} cases, run {trials} times; {without} rules without a case; \
             {printed} printed examples and rows"
        )
    }
}

fn traced(subject: &Subject) -> Option<DocumentTrace> {
    let provider = subject.provider()?;
    let document = &provider.document;
    let shown = shown(subject);
    let mut rows: Vec<TraceRow> = subject.rules().iter().map(|rule| row(rule, provider, &shown)).collect();
    rows.extend(document.silent.iter().map(|silent| TraceRow {
        lines: silent.lines.clone(),
        rule: None,
        says: silent.why.clone(),
        cases: Vec::new(),
        untestable: None,
        printed: false,
    }));
    let printed = subject.facts().printed(&provider.id);
    rows.extend(printed.iter().map(|printed| TraceRow {
        lines: printed.lines.clone(),
        rule: Some(format!("printed in {}", printed.table)),
        says: printed.summary(),
        cases: Vec::new(),
        untestable: None,
        printed: true,
    }));
    rows.sort_by_key(|row| ranges(&row.lines).and_then(|all| all.first().map(|first| (*first.start(), *first.end()))));
    let mut gaps = lines_without(document, subject.rules());
    for row in &rows {
        let lost = row.cases.iter().filter(|(_, laws)| laws.is_empty());
        let rule = row.rule.as_deref().unwrap_or_default();
        gaps.extend(lost.map(|(case, _)| format!("no law picks up {case}, which {rule} names")));
    }
    gaps.extend(facts_without(provider, subject.rules()));
    Some(DocumentTrace { id: document.id.clone(), lines: document.lines.unwrap_or(0), rows, gaps })
}

/// The laws of each case, by the exchange that it is about or by its name.
fn shown(subject: &Subject) -> BTreeMap<String, BTreeSet<Law>> {
    let mut shown: BTreeMap<String, BTreeSet<Law>> = BTreeMap::new();
    for case in cases(subject) {
        let name = case.exchange().map_or_else(|| case.name(), |exchange| exchange.id().to_owned());
        shown.entry(name).or_default().insert(case.law());
    }
    shown
}

fn row(rule: &DocumentRule, provider: &ProviderFacts, shown: &BTreeMap<String, BTreeSet<Law>>) -> TraceRow {
    let names = rule.case_ids(&provider.id).chain(rule.laws.iter().cloned());
    TraceRow {
        lines: rule.lines.clone(),
        rule: Some(rule.id.clone()),
        says: rule.says.clone(),
        cases: names.map(|name| (name.clone(), shown.get(&name).cloned().unwrap_or_default())).collect(),
        untestable: rule.untestable.clone(),
        printed: false,
    }
}

/// The lines of a document that neither a rule nor the list of silent lines names, and those that both name.
fn lines_without(document: &DocumentFacts, rules: &[DocumentRule]) -> Vec<String> {
    let Some(count) = document.lines else {
        return vec!["provider.json does not say how many lines it has".to_owned()];
    };
    let numbers = |lines: &str| ranges(lines).unwrap_or_default().into_iter().flatten();
    let stated: BTreeSet<u32> = rules.iter().flat_map(|rule| numbers(&rule.lines)).collect();
    let silent: BTreeSet<u32> = document.silent.iter().flat_map(|silent| numbers(&silent.lines)).collect();
    let mut gaps = Vec::new();
    for line in 1..=count.max(stated.iter().chain(&silent).copied().max().unwrap_or(0)) {
        match (stated.contains(&line), silent.contains(&line)) {
            _ if line > count => gaps.push(format!("line {line} is spoken of, and there are {count}")),
            (false, false) => gaps.push(format!("line {line} is of no rule, and is not said to be silent")),
            (true, true) => gaps.push(format!("line {line} is said to be silent, and a rule states it")),
            _ => {}
        }
    }
    gaps
}

/// The documented facts of a provider of which no rule speaks.
fn facts_without(provider: &ProviderFacts, rules: &[DocumentRule]) -> Vec<String> {
    let mut gaps = Vec::new();
    let mut named = |word: &str, what: String, source: &FactSource| {
        if source.kind == EvidenceKind::Documented
            && !rules.iter().any(|rule| overlap(rule, source) && speaks_of(rule, word))
        {
            let lines = source.lines.as_deref().unwrap_or_default();
            gaps.push(format!("no rule of the lines {lines} names {what}"));
        }
    };
    for field in &provider.fields {
        let last = field.name.rsplit('.').next().unwrap_or_default();
        named(last, format!("the member {}", field.name), &field.source);
    }
    for error_response in &provider.error_templates {
        named(
            &error_response.status.to_string(),
            format!("the status {}", error_response.status),
            &error_response.source,
        );
    }
    for route in &provider.routes {
        named(&route.method, format!("the route {} {}", route.method, route.path), &route.source);
    }
    gaps
}

fn overlap(rule: &DocumentRule, source: &FactSource) -> bool {
    let lines = |lines: &str| ranges(lines).unwrap_or_default();
    let of_source = source.lines.as_deref().map(lines).unwrap_or_default();
    lines(&rule.lines).iter().any(|a| of_source.iter().any(|b| a.start() <= b.end() && b.start() <= a.end()))
}

fn speaks_of(rule: &DocumentRule, word: &str) -> bool {
    rule.says.split(|c: char| !c.is_alphanumeric() && c != '_').any(|said| said == word)
}

#[cfg(test)]
mod tests {
    use seedream_fixtures::provider;

    use super::*;

    fn rule(lines: &str, says: &str) -> DocumentRule {
        let (id, lines, says) = ("r".to_owned(), lines.to_owned(), says.to_owned());
        DocumentRule { id, lines, says, cases: Vec::new(), laws: Vec::new(), untestable: None }
    }

    #[test]
    fn every_line_is_of_a_rule_or_silent() {
        let mut document = provider("ark").expect("embedded").document.clone();
        document.lines = Some(6);
        document.silent.truncate(1);
        document.silent[0].lines = "1,4".to_owned();
        let gaps = lines_without(&document, &[rule("2-2", ""), rule("4,7", "")]);
        assert_eq!(
            gaps,
            [
                "line 3 is of no rule, and is not said to be silent",
                "line 4 is said to be silent, and a rule states it",
                "line 5 is of no rule, and is not said to be silent",
                "line 6 is of no rule, and is not said to be silent",
                "line 7 is spoken of, and there are 6",
            ]
        );
        document.lines = None;
        assert_eq!(lines_without(&document, &[]).len(), 1);
    }

    #[test]
    fn every_documented_member_status_and_route_is_named_by_a_rule_of_its_lines() {
        let facts = provider("gogogotoken").expect("embedded");
        let rules = seedream_fixtures::rules("gogogotoken");
        assert_eq!(facts_without(facts, rules), [""; 0]);
        // The same rule, said of other lines.
        let mut moved = rules.to_vec();
        moved.iter_mut().filter(|rule| rule.lines == "102-104").for_each(|rule| rule.lines = "1-6".to_owned());
        assert_eq!(facts_without(facts, &moved), ["no rule of the lines 102-104 names the member size"]);
        assert!(facts_without(facts, &[]).len() > 6);
    }
}
