//! Every state in which a crash may leave the disk, from the log of what was done to it.
//!
//! A crash may come after every operation. What was synced by then is there; every other operation survives or vanishes by itself: a
//! write without the one before it, a name without the bytes, a removal without the name before. What is written to a file is certain
//! once the file is synced; that it has a name, another or none, once its folder is. More than [`EXHAUSTIVE`] operations that are not
//! certain are sampled.
//!
//! A test takes `log::below(folder)`, asks of every state of [`states`] whether something is lost, and asks the same of
//! [`without`] each of the [`syncs`]: that must lose something, or the sync is one too many.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{operation_log::Op, parent};

/// Up to how many operations that are not certain every combination is tried.
const EXHAUSTIVE: usize = 10;

/// The files that are there after a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    /// The files that have a name, which hidden ones have not.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        self.files.iter().filter(move |(path, _)| !is_hidden(path)).map(|(path, bytes)| (&**path, &**bytes))
    }

    /// Whether a file holds just these bytes.
    pub(crate) fn has(&self, bytes: &[u8]) -> bool {
        self.files().any(|(_, file)| file == bytes)
    }

    /// Whether a file whose name ends like this holds this text somewhere.
    pub(crate) fn tells(&self, ending: &str, text: &str) -> bool {
        self.files().any(|(path, file)| {
            path.to_string_lossy().ends_with(ending) && memchr::memmem::find(file, text.as_bytes()).is_some()
        })
    }
}

/// The places of the syncs in a log.
pub(crate) fn syncs(log: &[Op]) -> Vec<usize> {
    (0..log.len()).filter(|at| log[*at].is_sync()).collect()
}

/// A log in which one operation was not done.
pub(crate) fn without(log: &[Op], at: usize) -> Vec<Op> {
    log.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, op)| op.clone()).collect()
}

/// Every state that a crash may leave, with how many operations of the log were done before it. What may be left after an operation that
/// makes nothing certain may be left after the next one too, and is given with that.
pub(crate) fn states(log: &[Op]) -> impl Iterator<Item = (usize, Tree)> {
    let files = files_of(log);
    let decides = |op: &Op| op.is_sync() || matches!(op, Op::Mark { .. });
    let ends = (0..=log.len()).filter(move |done| log.get(*done).is_none_or(decides));
    ends.flat_map(move |done| {
        let uncertain: Vec<_> = (0..done).filter(|at| !is_certain(log, &files, *at, done)).collect();
        let files = files.clone();
        survivors(uncertain.len(), done as u64).into_iter().map(move |survives| {
            let vanished: BTreeSet<_> =
                uncertain.iter().zip(survives).filter(|(_, survives)| !survives).map(|(at, _)| *at).collect();
            // A folder that vanished takes with it what was done in it.
            let folders: Vec<_> = vanished.iter().map(|at| &log[*at]).filter_map(made_folder).collect();
            let is_left = |at: &usize| {
                !vanished.contains(at) && !folders.iter().any(|folder| log[*at].path().starts_with(folder))
            };
            (done, replay((0..done).filter(is_left).map(|at| (&log[at], files[at]))))
        })
    })
}

fn made_folder(op: &Op) -> Option<&Path> {
    if let Op::MakeFolder(path) = op { Some(path) } else { None }
}

/// Which file each operation is about, as a number that stays with it from name to name.
fn files_of(log: &[Op]) -> Vec<usize> {
    let mut names: HashMap<&Path, usize> = HashMap::new();
    let mut files = Vec::with_capacity(log.len());
    for (at, op) in log.iter().enumerate() {
        let file = match op {
            Op::Create(path) => {
                names.insert(path, at);
                at
            }
            Op::Publish { from, to } => {
                let file = names.remove(&**from).unwrap_or(at);
                names.insert(to, file);
                file
            }
            Op::Link { from, to } => {
                let file = names.get(&**from).copied().unwrap_or(at);
                names.insert(to, file);
                file
            }
            Op::Remove(path) => names.remove(&**path).unwrap_or(at),
            op => *names.entry(op.path()).or_insert(at),
        };
        files.push(file);
    }
    files
}

/// Whether an operation outlives a crash after so many.
fn is_certain(log: &[Op], files: &[usize], at: usize, done: usize) -> bool {
    let later = || (at + 1..done).map(|later| (&log[later], files[later]));
    match &log[at] {
        Op::Write { .. } | Op::Cut { .. } => later().any(|(op, file)| matches!(op, Op::Sync(_)) && file == files[at]),
        Op::MakeFolder(path)
        | Op::Create(path)
        | Op::Publish { to: path, .. }
        | Op::Link { to: path, .. }
        | Op::Remove(path) => later().any(|(op, _)| matches!(op, Op::SyncFolder(folder) if folder == parent(path))),
        Op::Sync(_) | Op::SyncFolder(_) | Op::Mark { .. } => true,
    }
}

/// The combinations in which so many operations survive.
fn survivors(count: usize, seed: u64) -> Vec<Vec<bool>> {
    if count <= EXHAUSTIVE {
        return (0..1_u32 << count).map(|set| (0..count).map(|at| set >> at & 1 == 1).collect()).collect();
    }
    let mut random = fastrand::Rng::with_seed(seed);
    let sample = (0..1 << EXHAUSTIVE).map(|_| (0..count).map(|_| random.bool()).collect());
    [vec![false; count], vec![true; count]].into_iter().chain(sample).collect()
}

/// The files after these operations, each with the file that it is about.
fn replay<'a>(ops: impl Iterator<Item = (&'a Op, usize)>) -> Tree {
    let (mut names, mut contents) = (BTreeMap::<PathBuf, usize>::new(), HashMap::<usize, Vec<u8>>::new());
    for (op, file) in ops {
        match op {
            Op::Create(path) => drop(names.insert(path.clone(), file)),
            Op::Write { offset, bytes, .. } => {
                let content = contents.entry(file).or_default();
                let begin = usize::try_from(*offset).unwrap_or(usize::MAX);
                // What was never written before it is read as zeros.
                content.resize(content.len().max(begin), 0);
                let (over, beyond) = bytes.split_at(bytes.len().min(content.len() - begin));
                content[begin..begin + over.len()].copy_from_slice(over);
                content.extend_from_slice(beyond);
            }
            Op::Cut { length, .. } => {
                contents.entry(file).or_default().resize(usize::try_from(*length).unwrap_or(usize::MAX), 0);
            }
            Op::Publish { from, to } => {
                names.remove(from);
                names.insert(to.clone(), file);
            }
            Op::Link { to, .. } => drop(names.insert(to.clone(), file)),
            Op::Remove(path) => drop(names.remove(path)),
            Op::MakeFolder(_) | Op::Sync(_) | Op::SyncFolder(_) | Op::Mark { .. } => {}
        }
    }
    let files = names.into_iter().map(|(path, file)| (path, contents.get(&file).cloned().unwrap_or_default()));
    Tree { files: files.collect() }
}
