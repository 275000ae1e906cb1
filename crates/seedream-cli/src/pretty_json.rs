//! Indented JSON in its original member order, with long strings shortened.

/// The longest string that is shown in full. Data URIs are longer.
const LONGEST: usize = 400;

/// How many characters of a longer string are shown.
const SHOWN: usize = 60;

/// Indents valid JSON by two spaces per nesting depth after `margin`. It is not parsed into a map, which would lose the member order.
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
    // This may cut an escape sequence; `--json` prints the whole string.
    let start: String = text.chars().take(SHOWN).collect();
    format!("\"{start}...\" ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_member_order_and_long_strings_are_shortened() {
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
