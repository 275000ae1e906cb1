//! Suggests a known word for a wrong one.

/// The known word that is most similar to a wrong one, if it is similar enough to be suggested.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |word: &str| strsim::jaro_winkler(word, wrong);
    known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|word| likeness(word) > 0.8)
}
