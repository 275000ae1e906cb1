//! What the files of images are called.

use std::{fmt, str::FromStr};

use seedream_core::{Error, ErrorKind, Timestamp};

use super::image_output::RequestSummary;
use crate::disk::{NumberedName, is_mark, portable, start_of};

/// The most bytes of one value in a name.
const LONGEST_VALUE: usize = 60;

/// A name of files with placeholders, such as `{date}-{slug}-{index}`.
///
/// A value is made a part of a file name that every system takes: other characters become `_`, long ones are cut. Without `{index}`
/// names end with `-{index}`. A file that is there is never replaced: the next number is taken.
///
/// ```
/// # use seedream_client::NameTemplate;
/// assert!("{date}-{slug}-{index}".parse::<NameTemplate>().is_ok());
/// assert!("{prompt}".parse::<NameTemplate>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Provider,
    Model,
    Slug,
    Seed,
    Date,
    Id,
    Index,
}

impl NameTemplate {
    /// The placeholders and what each stands for.
    pub const PLACEHOLDERS: [(&str, &str); 7] = [
        ("{provider}", "the provider's id"),
        ("{model}", "the model"),
        ("{slug}", "the beginning of the prompt"),
        ("{seed}", "the seed, or none"),
        ("{date}", "the day in UTC, such as 2026-11-29"),
        ("{id}", "the id of the job, or of the line of a batch"),
        ("{index}", "the place of the image in the response, or the next free number"),
    ];

    /// The names of the images of a purchase.
    pub(super) fn names(&self, values: &NameValues<'_>) -> NumberedName {
        let mut sides = [String::new(), String::new()];
        let mut side = 0;
        for part in &self.parts {
            match part {
                Part::Text(text) => sides[side].push_str(text),
                Part::Value(Placeholder::Index) => side = 1,
                Part::Value(placeholder) => sides[side].push_str(&values.of(*placeholder)),
            }
        }
        if side == 0 {
            sides[0].push('-');
        }
        NumberedName::around(&sides[0], &sides[1])
    }
}

/// What a name is made of.
#[derive(Debug)]
pub(super) struct NameValues<'a> {
    pub(super) provider: &'a str,
    pub(super) id: &'a str,
    pub(super) request: &'a RequestSummary,
    pub(super) at: Timestamp,
}

impl NameValues<'_> {
    fn of(&self, placeholder: Placeholder) -> String {
        let value = match placeholder {
            Placeholder::Provider => portable(self.provider),
            Placeholder::Model => portable(&self.request.model),
            Placeholder::Slug => slug(&self.request.prompt),
            Placeholder::Seed => self.request.seed.map_or_else(|| "none".to_owned(), |seed| seed.to_string()),
            Placeholder::Date => self.at.to_string().split('T').next().unwrap_or_default().to_owned(),
            Placeholder::Id => portable(self.id),
            // The number is no value of the purchase.
            Placeholder::Index => String::new(),
        };
        start_of(&value, LONGEST_VALUE).trim_end_matches('-').to_owned()
    }
}

/// The words of a text in lower case, with `-` between them.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || is_mark(c) {
            slug.extend(c.to_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() > 2 * LONGEST_VALUE {
            break;
        }
    }
    let whole = slug.trim_end_matches('-');
    let start = start_of(whole, LONGEST_VALUE);
    // A word that does not fit is left out, unless it is most of the text: some scripts have no blanks.
    let words = start.rfind('-').filter(|end| start.len() < whole.len() && *end > LONGEST_VALUE / 2);
    let slug = words.map_or(start, |end| &start[..end]);
    if slug.is_empty() { "image".to_owned() } else { slug.to_owned() }
}

impl FromStr for NameTemplate {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Config`] with the placeholders, where it has one that is not known, has two indexes, or could leave the folder.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = |reason: String| {
            let known: Vec<_> = Self::PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
            Error::new(ErrorKind::Config, format!("{reason}; the placeholders are {}", known.join(", ")))
        };
        if text.trim().is_empty() {
            return Err(refused("the name is empty".to_owned()));
        }
        if let Some(c) =
            text.chars().find(|c| matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') || c.is_control())
        {
            return Err(refused(format!(
                "{c:?} cannot stand in the name of a file on every system, and the folder is named by --out"
            )));
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let word = from.split_inclusive('}').next().filter(|word| word.starts_with('{') && word.ends_with('}'));
            let word = word
                .ok_or_else(|| refused("{ and } stand around a placeholder, and one of them is missing".to_owned()))?;
            let placeholder = placeholder(word).ok_or_else(|| refused(format!("{word} is not known")))?;
            if placeholder == Placeholder::Index && parts.contains(&Part::Value(Placeholder::Index)) {
                return Err(refused("{index} is there twice".to_owned()));
            }
            parts.push(Part::Value(placeholder));
            rest = &from[word.len()..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

fn placeholder(word: &str) -> Option<Placeholder> {
    Some(match word {
        "{provider}" => Placeholder::Provider,
        "{model}" => Placeholder::Model,
        "{slug}" => Placeholder::Slug,
        "{seed}" => Placeholder::Seed,
        "{date}" => Placeholder::Date,
        "{id}" => Placeholder::Id,
        "{index}" => Placeholder::Index,
        _ => return None,
    })
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(template: &str, prompt: &str) -> String {
        let request =
            RequestSummary { model: "a/b:4.5".into(), prompt: prompt.into(), seed: (prompt == "seeded").then_some(7) };
        let at = "2026-11-29T23:59:59Z".parse().unwrap();
        let values = NameValues { provider: "ark", id: "job 1", request: &request, at };
        template.parse::<NameTemplate>().unwrap().names(&values).at(3)
    }

    #[test]
    fn placeholders_stand_for_values_that_are_part_of_a_name() {
        assert_eq!(named("{provider}-{index}", "x"), "ark-3");
        assert_eq!(named("{date}-{slug}", "A kite, over: dunes!"), "2026-11-29-a-kite-over-dunes-3");
        assert_eq!(named("{index} of {id} {model}", "x"), "3_of_job_1_a_b_4.5");
        assert_eq!(named("{seed}.{index}", "x"), "none.3");
        assert_eq!(named("{seed}", "seeded"), "7-3");
        assert_eq!(named("{slug}", "../../.ssh/id"), "ssh-id-3");
        assert_eq!(named("{slug}", "!?"), "image-3");
        assert_eq!(named("{slug}", "海边的灯塔，雾中"), "海边的灯塔-雾中-3");
        assert_eq!(named("{slug}", "unsaved"), "_unsaved-3");
        assert_eq!(named("{slug}", &"灯".repeat(500)), format!("{}-3", "灯".repeat(20)));
        let long = "a lighthouse in the fog at the edge of a northern harbour at dawn";
        assert_eq!(named("{slug}", long), "a-lighthouse-in-the-fog-at-the-edge-of-a-northern-harbour-3");
    }

    /// A resumed job calls its images as the job that was interrupted.
    #[test]
    fn a_recorded_request_names_files_as_the_request_itself() {
        let request = seedream_core::ImageRequest::new("m", "a kite").seed(7);
        let recorded = crate::output::described(&request);
        assert_eq!(RequestSummary::described("m", &recorded), RequestSummary::of(&"m".into(), &request));
    }

    #[test]
    fn a_template_that_cannot_name_a_file_is_refused_with_the_placeholders() {
        for (template, reason) in [
            ("", "empty"),
            ("{prompt}", "{prompt} is not known"),
            ("{}", "{} is not known"),
            ("a{slug", "one of them is missing"),
            ("a}", "one of them is missing"),
            ("{index}{index}", "twice"),
            ("../{index}", "'/' cannot"),
            ("C:{index}", "':' cannot"),
            ("a\0", "cannot"),
        ] {
            let error = template.parse::<NameTemplate>().unwrap_err();
            let message = error.message();
            assert!(message.contains(reason) && message.ends_with("{date}, {id}, {index}"), "{template}: {message}");
        }
        for (name, _) in NameTemplate::PLACEHOLDERS {
            assert!(placeholder(name).is_some(), "{name}");
        }
    }
}
