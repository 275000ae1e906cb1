//! The names of numbered files.

/// What the names of images begin with that were lifted out of a response and have not been saved.
pub(super) const UNSAVED: &str = "unsaved-";

/// The most bytes of a name around its number. With ten digits, `.partial` and an extension a name stays below 143 bytes, the least that
/// a common file system takes (eCryptfs; most take 255).
const LONGEST: usize = 110;

/// The names of devices on Windows, which a file cannot have, whatever follows a dot.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The names of files that differ by a number, such as `ark-0`, `ark-1`. They are valid on every system and stay in their folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumberedName {
    before: String,
    after: String,
}

impl NumberedName {
    /// `<stem>-<number>`.
    pub(crate) fn new(stem: &str) -> Self {
        Self::around(&format!("{stem}-"), "")
    }

    /// `<before><number><after>`, with `_` in place of characters that cannot stand in a name everywhere, and cut where it is too long.
    pub(crate) fn around(before: &str, after: &str) -> Self {
        let after = start_of(&portable(after), LONGEST / 3).to_owned();
        let before = portable(before);
        // A leading dot would hide the file.
        let mut before = before.trim_start_matches('.').to_owned();
        let first = before.split('.').next().unwrap_or_default();
        let is_device = first != before && DEVICES.iter().any(|device| device.eq_ignore_ascii_case(first));
        // Such a file would be taken for one that waits.
        if is_device || before.starts_with(UNSAVED) {
            before.insert(0, '_');
        }
        let room = LONGEST - after.len();
        if before.len() > room {
            // A dash before the number keeps it apart from digits of the name.
            before = format!("{}-", start_of(&before, room - 1).trim_end_matches('-'));
        }
        Self { before, after }
    }

    /// The name with a number, without an extension.
    pub(crate) fn at(&self, number: u32) -> String {
        format!("{}{number}{}", self.before, self.after)
    }

    /// The number of a name without an extension.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        name.strip_prefix(&self.before)?.strip_suffix(&self.after)?.parse().ok()
    }

    /// A part of the names, for files beside them.
    pub(crate) fn stem(&self) -> &str {
        let stem = self.before.trim_end_matches('-');
        if stem.is_empty() { "image" } else { stem }
    }
}

/// The text with `_` for each character that cannot stand in a name everywhere, or that changes how it is shown.
pub(crate) fn portable(text: &str) -> String {
    let is_portable = |c: char| c.is_alphanumeric() || is_mark(c) || matches!(c, '-' | '_' | '.');
    text.chars().map(|c| if is_portable(c) { c } else { '_' }).collect()
}

/// Whether a character belongs to the letter before it and is no letter itself: accents, and signs of the scripts of India and Southeast
/// Asia.
pub(crate) fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{963}'
        | '\u{966}'..='\u{dff}' | '\u{e30}'..='\u{e4e}' | '\u{eb0}'..='\u{ecd}' | '\u{f71}'..='\u{f84}'
        | '\u{102b}'..='\u{103e}' | '\u{17b4}'..='\u{17d3}' | '\u{3099}'..='\u{309a}')
}

/// The longest start of a text of at most so many bytes.
pub(crate) fn start_of(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_valid_everywhere_and_stay_in_their_folder() {
        for (before, after, name) in [
            ("ark-", "", "ark-7"),
            ("", "", "7"),
            ("../../etc/", "", "_.._etc_7"),
            (r"C:\x|", "?", "C__x_7_"),
            (".hidden-", "", "hidden-7"),
            ("unsaved-", "", "_unsaved-7"),
            ("con.", "", "_con.7"),
            ("console.", "", "console.7"),
            ("风筝-", "", "风筝-7"),
            ("काँच-", "", "काँच-7"),
            ("a\u{202e}gnp.", "", "a_gnp.7"),
            ("line\nbreak\0", "", "line_break_7"),
        ] {
            assert_eq!(NumberedName::around(before, after).at(7), name);
        }
    }

    proptest! {
        #[test]
        fn a_name_of_any_text_has_its_number_and_a_length_that_fits(before in ".{0,200}", after in ".{0,90}", number: u32) {
            let names = NumberedName::around(&before, &after);
            let name = names.at(number);
            prop_assert!(name.len() + ".partial.jpeg".len() < 143);
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\', '\0']));
            prop_assert_eq!(names.number(&name), Some(number));
        }
    }
}
