//! The prompt: what no strictness sends, and advice.

use super::*;

#[test]
fn a_prompt_says_something_and_is_not_too_long() {
    let length = "advice prompt: the prompt is longer than the advised 300 Chinese characters or 600 English words: \
                  details may be lost [page, prompt]";
    let chars = |note: &str| {
        format!(
            "advice prompt: the prompt has 6 characters; at most about 5 are advised{note}: shorten it [page, prompt]"
        )
    };
    let any = PromptRule::any(page("prompt"));
    let advised = PromptRule::advised(page("prompt"));
    let five = PromptRule::at_most(5, page("prompt"));
    let noted = PromptRule { note: Some("or 500".into()), ..five.clone() };
    let empty = "prompt: is empty: describe the image [page, prompt]".to_owned();
    for (rule, prompt, expected) in [
        (&any, " \n".to_owned(), Some(empty)),
        (&any, "kite ".repeat(601), None),
        (&any, "灯".repeat(301), None),
        (&advised, "kite ".repeat(601), Some(length.to_owned())),
        (&advised, "kite ".repeat(600), None),
        (&advised, "灯".repeat(301), Some(length.to_owned())),
        (&advised, "灯".repeat(300), None),
        (&five, "灯塔灯塔灯塔".to_owned(), Some(chars(""))),
        (&five, "灯塔灯塔灯".to_owned(), None),
        (&noted, "kites!".to_owned(), Some(chars(", or 500"))),
    ] {
        let rules = with(|rules| rules.prompt = rule.clone());
        let found = findings(&rules, &ImageRequest::new("m", &*prompt), Strictness::Strict);
        assert_eq!(found, Vec::from_iter(expected), "{rule:?} {prompt:?}");
    }
}

#[test]
fn a_prompt_that_decides_the_number_states_it() {
    let advice = "advice count: the prompt decides the number of images: state it in the prompt, such as `3 images` \
                  [page, n]";
    let group = ImagesRule::up_to(15, page("n"));
    let counted = ImagesRule { prompt_decides: false, ..group.clone() };
    for (rule, prompt, count, expected) in [
        (&group, "a kite", 2, Some(advice)),
        (&group, "2 images of a kite", 2, None),
        (&group, "a kite", 1, None),
        (&counted, "a kite", 2, None),
    ] {
        let rules = with(|rules| rules.images = rule.clone());
        let found = findings(&rules, &ImageRequest::new("m", prompt).count(count), Strictness::Strict);
        assert_eq!(found, Vec::from_iter(expected), "{prompt} {count}");
    }
}
