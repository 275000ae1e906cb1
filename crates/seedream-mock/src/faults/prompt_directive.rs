//! Faults that stand in a prompt, as `[[mock: status=503]]`.

use std::borrow::Cow;

/// What a directive in a prompt begins and ends with.
const DIRECTIVE: (&str, &str) = ("[[mock:", "]]");

/// Whether a prompt holds a directive.
pub(crate) fn is_in(prompt: &str) -> bool {
    prompt.contains(DIRECTIVE.0)
}

/// The faults that stand in a prompt as `[[mock: …]]`.
pub(crate) fn of(prompt: &str) -> String {
    let inside = |text: &str| text.split_once(DIRECTIVE.1).map(|(inside, _)| inside.to_owned());
    let found: Vec<String> = prompt.split(DIRECTIVE.0).skip(1).filter_map(inside).collect();
    found.join(";")
}

/// A prompt without what is meant for the mock.
pub(crate) fn without(prompt: &str) -> Cow<'_, str> {
    if !prompt.contains(DIRECTIVE.0) {
        return prompt.trim_start().into();
    }
    let mut kept = String::new();
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once(DIRECTIVE.0) {
        let Some((_, after)) = after.split_once(DIRECTIVE.1) else { break };
        kept.push_str(before.trim_end());
        rest = after;
    }
    kept.push_str(rest);
    kept.trim_start().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_leave_the_prompt() {
        let prompt = "a kite [[mock: status=503 times=1]] at dawn[[mock:empty]]";
        assert_eq!(of(prompt), " status=503 times=1;empty");
        assert_eq!(without(prompt), "a kite at dawn");
        assert_eq!(without("[[mock: empty]] a kite"), "a kite");
        assert_eq!(without("a [[mock: kite"), "a [[mock: kite");
        assert_eq!(of("a [[kite]]"), "");
    }
}
