//! One file: complete under its final name, or not there.

use std::{
    collections::HashSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, PathPersistError, TempPath};

pub(crate) use self::part::Part;

mod part;

/// What the names of pictures begin with that were lifted out of an answer and have not been saved.
pub(crate) const UNSAVED: &str = "unsaved-";

/// What stands before the extension of an image that is incomplete.
pub(crate) const PARTIAL: &str = ".partial";

/// Writes a new file `<stem>-<n>.<extension>` and returns its path; `n` is `first` or the next number that is free.
///
/// It is written and synced under another name beside, and then given its own in a step that fails if that is taken, so that
/// neither a crash leaves half a picture nor two programs take one name.
pub(super) fn write(dir: &Path, stem: &str, first: u32, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut file = part(dir, stem)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    place(file.into_temp_path(), dir, stem, first, extension).map_err(|(error, _)| error)
}

/// Writes a file where nothing else can be written: in the system's folder for temporary files, under a name that no other has, and
/// readable by its owner alone.
pub(super) fn rescue(stem: &str, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let (prefix, suffix) = (format!("seedream-{stem}-"), format!(".{extension}"));
    let mut file = Builder::new().prefix(&prefix).suffix(&suffix).tempfile()?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let (_, path) = file.keep()?;
    Ok(path)
}

/// As [`write`], under the name of a picture with another extension where that is free.
pub(super) fn write_beside(
    picture: Option<&Path>,
    dir: &Path,
    stem: &str,
    extension: &str,
    bytes: &[u8],
) -> io::Result<PathBuf> {
    let mut file = part(dir, stem)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let mut file = file.into_temp_path();
    if let Some(path) = picture.map(|picture| picture.with_extension(extension)) {
        match name(file, &path) {
            Ok(()) => return Ok(path),
            Err((_, back)) => file = back,
        }
    }
    place(file, dir, stem, 0, extension).map_err(|(error, _)| error)
}

/// As [`write`], with a file that is there. One that this client lifted is moved, and stays where it is if that fails; any
/// other is copied.
pub(super) fn adopt(from: &Path, dir: &Path, stem: &str, first: u32, extension: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let ours = from.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(UNSAVED));
    if ours {
        fs::File::open(from)?.sync_all()?;
        match place(TempPath::try_from_path(from)?, dir, stem, first, extension) {
            Ok(path) => return Ok(path),
            // It was paid for: it is not removed, and if it is on another disk it is copied there.
            Err((error, path)) => {
                let _ = path.keep();
                if error.kind() != io::ErrorKind::CrossesDevices {
                    return Err(error);
                }
            }
        }
    }
    let mut file = part(dir, stem)?;
    io::copy(&mut fs::File::open(from)?, &mut file)?;
    file.as_file().sync_all()?;
    let path = place(file.into_temp_path(), dir, stem, first, extension).map_err(|(error, _)| error)?;
    if ours {
        // Two copies are no harm.
        let _ = fs::remove_file(from);
    }
    Ok(path)
}

/// A hidden file that is removed unless it is given a name.
fn part(dir: &Path, stem: &str) -> io::Result<NamedTempFile> {
    fs::create_dir_all(dir)?;
    let mut builder = Builder::new();
    let hidden = format!(".{stem}-");
    builder.prefix(&hidden).suffix(".part");
    // tempfile makes private files; a picture has the permissions of any other file, less what the umask takes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(dir)
}

/// Gives a complete file its name, or gives it back.
fn place(
    mut file: TempPath,
    dir: &Path,
    stem: &str,
    first: u32,
    extension: &str,
) -> Result<PathBuf, (io::Error, TempPath)> {
    let mut number = first;
    loop {
        number = match next_free(dir, stem, number, extension) {
            Ok(number) => number,
            Err(error) => return Err((error, file)),
        };
        let path = dir.join(format!("{stem}-{number}.{extension}"));
        match name(file, &path) {
            Ok(()) => {
                sync(dir);
                return Ok(path);
            }
            // Somebody was faster.
            Err((error, back)) if error.kind() == io::ErrorKind::AlreadyExists => file = back,
            Err(failed) => return Err(failed),
        }
        number = match number.checked_add(1) {
            Some(number) => number,
            None => return Err((io::Error::other("no number is free"), file)),
        };
    }
}

/// Gives a file a name that nobody has.
fn name(file: TempPath, path: &Path) -> Result<(), (io::Error, TempPath)> {
    match file.persist_noclobber(path) {
        Ok(()) => Ok(()),
        Err(PathPersistError { error, path: back })
            if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::CrossesDevices) =>
        {
            Err((error, back))
        }
        // A file system that can neither rename without replacing nor link (FAT on some systems).
        Err(PathPersistError { path: back, .. }) => match reserve(path) {
            Ok(()) => back.persist(path).map_err(|PathPersistError { error, path: back }| {
                let _ = fs::remove_file(path);
                (error, back)
            }),
            Err(error) => Err((error, back)),
        },
    }
}

/// The first number from `from` that no file of this stem has, with whatever extension. An incomplete image takes its number from
/// other images, and not from the file that tells of it.
fn next_free(dir: &Path, stem: &str, from: u32, extension: &str) -> io::Result<u32> {
    let number = |name: &Path| {
        let name = name.file_stem()?.to_str()?;
        let name = if extension == "json" { name } else { name.strip_suffix(PARTIAL).unwrap_or(name) };
        name.strip_prefix(stem)?.strip_prefix('-')?.parse().ok()
    };
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
