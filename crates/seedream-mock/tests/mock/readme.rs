//! The README lists the words of the grammar as the code does, and only words that there are.

use seedream_mock::{Fault, fault_words, parse_faults};

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_every_word() {
    for word in fault_words() {
        let row = format!("| `{}` | {} |", word.form.replace('|', "\\|"), word.does);
        assert!(README.contains(&row), "the README lacks {row}");
    }
}

#[test]
fn the_readme_names_existing_words_and_every_kind_of_them() {
    let section = README.split("## Responses in other forms").nth(1).unwrap();
    let table = section.split("## ").next().unwrap().lines().filter(|line| line.starts_with("| "));
    let mut kinds = Vec::new();
    for row in table.skip(1) {
        let tried = row.split(" | ").nth(1).unwrap();
        let mut name = "";
        for example in tried.split('`').skip(1).step_by(2) {
            let read = parse_faults(example);
            // A value alone belongs to the word before it.
            let (read, shown) = match (example.split_once('='), read) {
                (Some((word, _)), read) => {
                    name = word;
                    (read, example.to_owned())
                }
                (None, Ok(faults)) => (Ok(faults), example.to_owned()),
                (None, Err(_)) => (parse_faults(&format!("{name}={example}")), format!("{name}={example}")),
            };
            let read: Vec<Fault> = read.unwrap_or_else(|error| panic!("{shown}: {error}"));
            kinds.extend(read.iter().map(|fault| serde_json::to_value(fault).unwrap()));
        }
    }
    for kind in ["body", "coding", "error", "stream", "task", "image", "truncate", "length", "label", "reset"] {
        assert!(kinds.iter().any(|fault| fault.get(kind).is_some()), "{kind}");
    }
}
