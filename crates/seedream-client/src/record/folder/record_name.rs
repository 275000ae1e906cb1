//! The names of records, and of what they keep beside them.

use std::{collections::BTreeSet, fs, io, path::Path};

/// What the names of records end with.
pub(super) const SUFFIX: &str = ".job.jsonl";

/// What stands between the name of a record and the number of an image that it keeps.
const IMAGE: &str = ".image";

/// The name of a record.
pub(super) fn record(stem: &str, number: u32) -> String {
    format!("{stem}-{number}{SUFFIX}")
}

/// Whether a path is that of a record, whichever name it has been given.
pub(super) fn is_record(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(SUFFIX) && !name.starts_with('.')
}

/// What the names of images begin with that a record keeps.
pub(super) fn images(record: &Path) -> String {
    let name = record.file_name().unwrap_or_default().to_string_lossy();
    format!("{}{IMAGE}", name.strip_suffix(SUFFIX).unwrap_or(&name))
}

/// The records of a folder in their order.
pub(super) fn records(folder: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<_> = names(folder)?.into_iter().filter(|name| is_record(Path::new(name))).collect();
    names.sort_by(|a, b| split(a).cmp(&split(b)));
    Ok(names)
}

/// The lowest number from `from` that neither a record nor an image that a record kept has.
pub(super) fn next_free(folder: &Path, stem: &str, from: u32) -> io::Result<u32> {
    let number = |name: &String| {
        let rest = name.strip_prefix(stem)?.strip_prefix('-')?;
        let (number, rest) = rest.split_once('.')?;
        let is_ours = rest == &SUFFIX[1..] || rest.starts_with(&IMAGE[1..]);
        if is_ours { number.parse::<u32>().ok() } else { None }
    };
    let taken: BTreeSet<u32> = names(folder)?.iter().filter_map(number).collect();
    (from..=u32::MAX).find(|number| !taken.contains(number)).ok_or_else(|| io::Error::other("no number is free"))
}

/// The stem and the number of a record's name.
fn split(name: &str) -> (&str, Option<u32>) {
    let name = name.strip_suffix(SUFFIX).unwrap_or(name);
    let numbered = name.rsplit_once('-').and_then(|(stem, number)| Some((stem, Some(number.parse().ok()?))));
    numbered.unwrap_or((name, None))
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?
        .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
        .collect()
}
