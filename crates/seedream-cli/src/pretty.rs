//! JSON for people: indented in its own member order, with long texts cut.

/// Texts longer than this are cut: a data URI is longer than any screen.
const LONGEST: usize = 400;

/// How much of a long text is shown.
const SHOWN: usize = 60;

/// Indents valid JSON by two spaces a level behind `margin`. Its member order is the document's, so it is not parsed into a map.
pub(crate) fn pretty(json: &str, margin: &str) -> String {
    let (mut out, mut depth) = (String::new(), 0_usize);
    let mut chars = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(margin);
        out.push_str(&"  ".repeat(depth));
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let (mut text, mut escaped) = (String::new(), false);
                for c in chars.by_ref() {
                    if c == '"' && !escaped {
                        break;
                    }
                    escaped = c == '\\' && !escaped;
                    text.push(c);
                }
                out.push_str(&quoted(&text));
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                match chars.next_if(|c| matches!(c, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

fn quoted(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return format!("\"{text}\"");
    }
    // An escape that was cut in two would be no JSON, but this is for people: the whole text is in `--json`.
    let start: String = text.chars().take(SHOWN).collect();
    format!("\"{start}...\" ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_in_its_own_order_and_long_texts_are_cut() {
        let json = format!(r#"{{"z":1,"a":[{{"b":"c,\"{{"}}, true ],"e":{{ }},"l":"{}"}}"#, "x".repeat(500));
        insta::assert_snapshot!(pretty(&json, "  "), @r#"
        {
            "z": 1,
            "a": [
              {
                "b": "c,\"{"
              },
              true
            ],
            "e": {},
            "l": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..." (500 characters)
          }
        "#);
    }
}
