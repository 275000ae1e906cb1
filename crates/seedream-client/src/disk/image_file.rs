//! One file: complete under its final name, or not there.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, TempPath};

use super::{
    digest::sha256_hex,
    numbered_name::{NumberedName, UNSAVED, portable},
    operations as disk,
};

/// What stands before the extension of an image that is incomplete.
pub(crate) const PARTIAL: &str = ".partial";

/// Writes a new file of this name and extension and returns its path; its number is `first` or the next that is free.
///
/// It is written and synced under another name beside, and then given its own in a step that fails if that is taken, so that
/// neither a crash leaves half an image nor two programs take one name. The name lasts once [`sync_folder`] was called, once after
/// several files.
pub(crate) fn write(dir: &Path, name: &NumberedName, first: u32, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let file = write_hidden(dir, name.stem(), bytes)?;
    publish_numbered(file, dir, name, first, extension).map_err(|(error, _)| error)
}

/// Writes a file where nothing else can be written: in the system's folder for temporary files, under a name that no other has, and
/// readable by its owner alone.
pub(crate) fn write_to_temp(stem: &str, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let (prefix, suffix) = (format!("seedream-{stem}-"), format!(".{extension}"));
    let mut file = Builder::new().prefix(&prefix).suffix(&suffix).tempfile()?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let (_, path) = file.keep()?;
    Ok(path)
}

/// As [`write`], under the name of an image with another extension where that is free.
pub(crate) fn write_beside(
    image: Option<&Path>,
    dir: &Path,
    name: &NumberedName,
    extension: &str,
    bytes: &[u8],
) -> io::Result<PathBuf> {
    let mut file = write_hidden(dir, name.stem(), bytes)?;
    if let Some(path) = image.map(|image| image.with_extension(extension)) {
        match disk::publish(file, &path) {
            Ok(()) => return Ok(path),
            Err((_, back)) => file = back,
        }
    }
    publish_numbered(file, dir, name, 0, extension).map_err(|(error, _)| error)
}

/// As [`write`], with a file that is there. One that this client lifted is moved, and stays where it is if that fails; any
/// other is copied. A file that `is_synced` is not synced again where it is moved. One that `stays` gets a second name, where the disk
/// can do that: a record names the first one until it knows the second.
pub(crate) fn move_in(
    from: &Path,
    is_synced: bool,
    stays: bool,
    dir: &Path,
    name: &NumberedName,
    first: u32,
    extension: &str,
) -> io::Result<PathBuf> {
    disk::make_folders(dir)?;
    let ours = is_unsaved(from);
    if ours {
        if !is_synced {
            disk::sync(&fs::File::open(from)?, from)?;
        }
        if stays && let Some(path) = link_numbered(from, dir, name, first, extension)? {
            return Ok(path);
        }
        match publish_numbered(TempPath::try_from_path(from)?, dir, name, first, extension) {
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
    let file = disk::create_hidden(dir, name.stem())?;
    copy(&fs::File::open(from)?, &file)?;
    disk::sync(file.as_file(), file.path())?;
    let path = publish_numbered(file.into_temp_path(), dir, name, first, extension).map_err(|(error, _)| error)?;
    if ours {
        // Two copies are no harm.
        let _ = disk::remove(from);
    }
    Ok(path)
}

/// Gives a file a second name; `None` where the disk cannot do that.
fn link_numbered(
    from: &Path,
    dir: &Path,
    name: &NumberedName,
    first: u32,
    extension: &str,
) -> io::Result<Option<PathBuf>> {
    let mut number = first;
    loop {
        number = next_free(dir, name, number, extension)?;
        let path = dir.join(format!("{}.{extension}", name.at(number)));
        match disk::link(from, &path) {
            Ok(()) => return Ok(Some(path)),
            // Another writer was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) => return Ok(None),
        }
        number = number.checked_add(1).ok_or_else(|| io::Error::other("no number is free"))?;
    }
}

/// A file with such a name that holds an image of so many bytes and this SHA-256, and that no record and no metadata of the
/// folder names.
pub(crate) fn find_unrecorded(
    dir: &Path,
    name: &NumberedName,
    extension: &str,
    bytes: u64,
    sha256: &str,
) -> Option<PathBuf> {
    let paths: Vec<_> = fs::read_dir(dir).ok()?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    let has_name = |path: &&PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.strip_suffix(extension).and_then(|file| name.number(file.strip_suffix('.')?)).is_some()
    };
    let is_same = |path: &&PathBuf| {
        fs::metadata(path).is_ok_and(|metadata| metadata.len() == bytes)
            && fs::read(path).is_ok_and(|bytes| sha256_hex(&bytes) == sha256)
    };
    let same: Vec<_> = paths.iter().filter(has_name).filter(is_same).collect();
    let tells = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "json" || extension == "jsonl");
    let texts: Vec<_> = if same.is_empty() {
        Vec::new()
    } else {
        paths.iter().filter(tells).filter_map(|path| fs::read(path).ok()).collect()
    };
    let is_told = |path: &PathBuf| {
        let name = format!("{}\"", path.file_name().unwrap_or_default().to_string_lossy());
        texts.iter().any(|text| memchr::memmem::find(text, name.as_bytes()).is_some())
    };
    same.into_iter().find(|path| !is_told(path)).cloned()
}

/// Makes the names of new files outlive a crash, where the system can do that.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    disk::sync_folder(dir).map(drop)
}

/// A hidden file with these bytes, synced.
fn write_hidden(dir: &Path, stem: &str, bytes: &[u8]) -> io::Result<TempPath> {
    let file = disk::create_hidden(dir, stem)?;
    disk::write_at(file.as_file(), file.path(), 0, bytes)?;
    disk::sync(file.as_file(), file.path())?;
    Ok(file.into_temp_path())
}

/// Whether a file is an image that this client lifted out of a response or fetched, and that was not saved.
pub(crate) fn is_unsaved(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(UNSAVED))
}

/// Replaces a file that this program wrote, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = disk::parent(path);
    let file = write_hidden(dir, "metadata", bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(dir)
}

/// Copies all of a file.
fn copy(mut from: &fs::File, to: &NamedTempFile) -> io::Result<()> {
    let (mut buffer, mut offset) = (vec![0; 128 << 10], 0);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                disk::write_at(to.as_file(), to.path(), offset, &buffer[..count])?;
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a complete file its name, or gives it back.
fn publish_numbered(
    mut file: TempPath,
    dir: &Path,
    name: &NumberedName,
    first: u32,
    extension: &str,
) -> Result<PathBuf, (io::Error, TempPath)> {
    let mut number = first;
    loop {
        number = match next_free(dir, name, number, extension) {
            Ok(number) => number,
            Err(error) => return Err((error, file)),
        };
        let path = dir.join(format!("{}.{extension}", name.at(number)));
        match disk::publish(file, &path) {
            Ok(()) => return Ok(path),
            // Another writer was faster.
            Err((error, back)) if error.kind() == io::ErrorKind::AlreadyExists => file = back,
            Err(failed) => return Err(failed),
        }
        number = match number.checked_add(1) {
            Some(number) => number,
            None => return Err((io::Error::other("no number is free"), file)),
        };
    }
}

/// The first number from `from` that no file with such a name has, with any extension. An incomplete image takes its number from
/// other images, and not from the file that tells of it.
fn next_free(dir: &Path, numbered: &NumberedName, from: u32, extension: &str) -> io::Result<u32> {
    let number = |name: &Path| {
        let name = name.file_stem()?.to_str()?;
        let name = if extension == "json" { name } else { name.strip_suffix(PARTIAL).unwrap_or(name) };
        numbered.number(name)
    };
    let names = fs::read_dir(dir)?.filter_map(Result::ok).map(|entry| entry.file_name());
    let taken: HashSet<u32> = names.filter_map(|name| number(Path::new(&name))).collect();
    (from..=u32::MAX).find(|number| !taken.contains(number)).ok_or_else(|| io::Error::other("no number is free"))
}

/// A prefix as it can stand in a file name on every system.
pub(crate) fn stem(prefix: &str) -> String {
    let safe = portable(prefix);
    // A leading dot would hide the file, and an empty name would begin with a dash.
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "image".to_owned() } else { safe.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_record_names_keeps_its_name_until_it_is_known_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("unsaved-0.png");
        fs::write(&from, "an image").unwrap();
        fs::write(folder.path().join("ark-0.png"), "another").unwrap();
        let second = move_in(&from, true, true, folder.path(), &NumberedName::new("ark"), 0, "png").unwrap();
        assert_eq!((&second, fs::read(&from).unwrap()), (&folder.path().join("ark-1.png"), b"an image".to_vec()));
        let third = move_in(&from, true, false, folder.path(), &NumberedName::new("ark"), 0, "png").unwrap();
        assert_eq!((third, from.exists()), (folder.path().join("ark-2.png"), false));
        assert_eq!(fs::read(second).unwrap(), b"an image");
    }
}
