//! The report for a browser: one file that loads nothing.

use super::summary::Report;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/view.js");

/// The page with the report inside. The script draws from that alone.
pub(super) fn html(report: &Report) -> String {
    let json = serde_json::to_string(report).unwrap_or_default();
    // The report goes in last: what looks like a place for something in a provider's text stays a text.
    PAGE.replace("{{style}}", STYLE).replace("{{script}}", SCRIPT).replace("{{report}}", &inert(&json))
}

/// JSON that no reader of HTML takes for markup, `</script>` among it. These characters stand inside of strings only.
fn inert(json: &str) -> String {
    json.replace('&', r"\u0026").replace('<', r"\u003c").replace('>', r"\u003e")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{ConformanceRun, report::CaseStatus};

    fn report() -> Report {
        let mut report = ConformanceRun::everything(date(2026, 11, 1)).over(&[]);
        report.filter = Some("</script><script>alert(1)</script><!-- {{style}} {{report}} & \u{2028}".to_owned());
        report.counts.insert(CaseStatus::Pass, 1);
        report
    }

    #[test]
    fn hostile_texts_are_no_markup_and_the_report_is_whole() {
        let report = report();
        let page = html(&report);
        let (before, rest) = page.split_once(r#"<script type="application/json" id="report">"#).expect("the report");
        let (inside, after) = rest.split_once("</script>").expect("its end");
        assert_eq!(serde_json::from_str::<Report>(inside).expect("JSON"), report);
        assert!(!inside.contains(['<', '>', '&']), "{inside}");
        assert_eq!(format!("{before}{after}").matches("alert(1)").count(), 0);
    }

    #[test]
    fn nothing_is_loaded() {
        let page = html(&report());
        assert!(page.contains("default-src 'none'"));
        for loads in [" src=", "<link", "@import", "url(", "innerHTML", "fetch(", "import("] {
            assert!(!page.contains(loads), "{loads}");
        }
        assert!(!page.replace("{{style}} {{report}}", "").contains("{{"), "a place was left empty");
    }
}
