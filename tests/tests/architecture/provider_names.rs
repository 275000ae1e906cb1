//! Names of providers in code: what providers differ in is data, so code that serves or judges all of them names none.
//!
//! Comments and tests may: a comment says where a rule comes from, and an example has to have some path.

use std::{fs, path::Path};

/// Every name in the sources below a folder, as `file:line: name`.
pub(crate) fn found(src: &Path, names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut entries: Vec<_> =
        fs::read_dir(src).expect("a folder of sources").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(self::found(&path, names));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source is text");
            let lines = in_code(&text, names).into_iter();
            found.extend(lines.map(|(line, name)| format!("{}:{line}: {name}", path.display())));
        }
    }
    found
}

/// The names in the code of a source, with their lines. Tests stand at its end.
fn in_code(text: &str, names: &[String]) -> Vec<(usize, String)> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = (1..).zip(code.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    let in_line = |(number, line): (usize, &str)| {
        let code = line.split(" // ").next().unwrap_or_default();
        let words = words(code).into_iter().filter(|word| names.contains(word));
        words.map(|word| (number, word)).collect::<Vec<_>>()
    };
    lines.flat_map(in_line).collect()
}

/// The words of a text in lower case: `ArkBody`, `ark_body` and `"ark/body"` are `ark` and `body`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && before.is_ascii_lowercase()) {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric() {
            words.last_mut().expect("there is one").push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words
}

/// The check finds what it is for.
#[test]
fn names_in_code_are_found_and_those_in_comments_and_tests_are_not() {
    let names = ["ark".to_owned()];
    let text = "//! As ark does.\nfn ark_body() {\n    call(\"x/ark/y\"); // ark\n}\nstruct ArkBody; enum Watermark { Dark }\n\
                #[cfg(test)]\nmod tests { fn ark() {} }\n";
    let lines: Vec<usize> = in_code(text, &names).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 3, 5]);
}
