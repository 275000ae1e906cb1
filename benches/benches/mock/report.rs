//! What is printed.

use std::io::Write as _;

use serde_json::{Value, json};

/// Writes a line.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

/// Prints what is wanted beside what was seen, and returns it.
pub(crate) fn compare(what: &str, wanted: Wanted, seen: f64) -> Value {
    let (word, limit, reached) = match wanted {
        Wanted::AtLeast(limit) => ("at least", limit, seen >= limit),
        Wanted::AtMost(limit) => ("at most", limit, seen <= limit),
    };
    say(&format!("  wanted: {what} {word} {limit}; seen: {seen:.2}{}", if reached { "" } else { "  <-- missed" }));
    json!({ "what": what, "wanted": format!("{word} {limit}"), "seen": seen, "reached": reached })
}
