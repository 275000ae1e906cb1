//! One file: complete under its final name, or not there.

use std::{
    collections::HashSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use tempfile::{Builder, PersistError};

/// Writes a new file `<stem>-<n>.<extension>` and returns its path; `n` is `first` or the next number that is free.
///
/// It is written and synced under another name beside, and then given its own in a step that fails if that is taken, so that
/// neither a crash leaves half a picture nor two programs take one name.
pub(super) fn write(dir: &Path, stem: &str, first: u32, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let mut builder = Builder::new();
    let hidden = format!(".{stem}-");
    builder.prefix(&hidden).suffix(".part");
    // tempfile makes private files; a picture has the permissions of any other file, less what the umask takes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;

    let mut number = first;
    loop {
        number = next_free(dir, stem, number)?;
        let path = dir.join(format!("{stem}-{number}.{extension}"));
        match file.persist_noclobber(&path) {
            Ok(_) => {
                sync(dir);
                return Ok(path);
            }
            Err(PersistError { error, file: back }) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Somebody was faster.
                file = back;
            }
            Err(PersistError { file: back, .. }) => match reserve(&path) {
                // A file system that can neither rename without replacing nor link (FAT on some systems).
                Ok(()) => {
                    back.persist(&path).map_err(|error| error.error)?;
                    sync(dir);
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => file = back,
                Err(error) => return Err(error),
            },
        }
        number = number.checked_add(1).ok_or_else(|| io::Error::other("no number is free"))?;
    }
}

/// The first number from `from` that no file of this stem has, with whatever extension.
fn next_free(dir: &Path, stem: &str, from: u32) -> io::Result<u32> {
    let number = |name: &Path| name.file_stem()?.to_str()?.strip_prefix(stem)?.strip_prefix('-')?.parse().ok();
    let names = fs::read_dir(dir)?.filter_map(Result::ok).map(|entry| entry.file_name());
    let taken: HashSet<u32> = names.filter_map(|name| number(Path::new(&name))).collect();
    (from..=u32::MAX).find(|number| !taken.contains(number)).ok_or_else(|| io::Error::other("no number is free"))
}

/// Takes a name with an empty file, which is then replaced by the whole one.
fn reserve(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).open(path).map(drop)
}

/// Makes the new name itself outlive a crash. Not every system can, and the picture is written either way.
fn sync(dir: &Path) {
    if let Ok(dir) = fs::File::open(dir) {
        let _ = dir.sync_all();
    }
}
