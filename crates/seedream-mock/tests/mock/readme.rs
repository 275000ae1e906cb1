//! M18: the README lists the words of the grammar as the code does.

use seedream_mock::faults;

#[test]
fn m18_the_readme_shows_every_word() {
    let readme = include_str!("../../README.md");
    for word in faults() {
        let row = format!("| `{}` | {} |", word.form.replace('|', "\\|"), word.does);
        assert!(readme.contains(&row), "the README lacks {row}");
    }
}
