//! What a run found: the JSON is the source, everything that people read is made from it.

mod case_report;
mod html;
mod junit;
mod summary;
mod table;

pub use case_report::{CaseReport, CaseStatus, RuleQuote};
pub use summary::{Report, RunFault};

impl Report {
    /// The report as JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The report as a table for a terminal, with every failure below it.
    pub fn to_table(&self) -> String {
        table::table(self)
    }

    /// The report as JUnit XML.
    pub fn to_junit(&self) -> String {
        junit::junit(self)
    }

    /// The report as one HTML file, with a page a case, that loads nothing.
    pub fn to_html(&self) -> String {
        html::html(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use seedream_fixtures::{EvidenceKind, FactSource};
    use serde_json::json;

    use super::*;
    use crate::{Law, RequirementLevel};

    fn report(level: RequirementLevel, status: CaseStatus) -> Report {
        let source = FactSource {
            document: Some("003".into()),
            at: None,
            lines: Some("15".into()),
            kind: EvidenceKind::Documented,
            url: None,
            note: None,
            read: None,
        };
        let quote = RuleQuote { id: "003-size".into(), document: "003".into(), lines: "15".into(), says: "2K".into() };
        let entry = CaseReport {
            name: "encode/ark/generate/x".into(),
            law: Law::Encode,
            provider: "ark".into(),
            area: "generate".into(),
            level,
            status,
            reason: None,
            differences: vec!["body/size: expected \"2K\", saw \"4K\"".into(), "the rule 003-size: 2K <&>".into()],
            source: Some(source),
            rules: vec![quote],
            exchange: Some(json!({ "given": null, "request": {"method": "POST"}, "response": {"status": 200} })),
            curl: Some("curl -X POST 'https://a.example'".into()),
            command: "seedream conformance run --run 'encode/ark/generate/x'".into(),
        };
        Report {
            schema: "seedream-conformance/1".into(),
            requirements: "2026-11".into(),
            filter: None,
            counts: BTreeMap::from([(status, 1)]),
            facts: BTreeMap::from([("documented".into(), 1)]),
            faults: Vec::new(),
            cases: vec![entry],
        }
    }

    #[test]
    fn a_failure_shows_the_pointer_the_rule_the_exchange_and_how_to_see_it_again() {
        let report = report(RequirementLevel::Must, CaseStatus::Fail);
        let shown = [
            "body/size: expected \"2K\", saw \"4K\"",
            "the rule 003-size",
            r#"request  {"method":"POST"}"#,
            r#"response {"status":200}"#,
            "curl -X POST 'https://a.example'",
            "seedream conformance run --run 'encode/ark/generate/x'",
        ];
        let junit = report.to_junit().replace("&quot;", "\"").replace("&apos;", "'");
        for text in [report.to_table(), junit] {
            for shown in shown {
                assert!(text.contains(shown), "{shown} is missing in {text}");
            }
        }
    }

    #[test]
    fn what_gates_nothing_is_no_failure_for_machines_either() {
        let failures = |level| report(level, CaseStatus::Fail).to_junit().matches("<failure").count();
        assert_eq!(
            (failures(RequirementLevel::Must), failures(RequirementLevel::Should), failures(RequirementLevel::May)),
            (1, 1, 0)
        );
    }
}
