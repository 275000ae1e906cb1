//! The single steps of writing to the disk.

use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, PathPersistError, TempPath};

#[cfg(test)]
use super::operation_log::{Op, note};

/// Makes a folder and those above it that are missing. Gives back the folders in which one was made: their names last once these are
/// synced.
pub(crate) fn make_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let mut missing: Vec<_> = folder.ancestors().take_while(is_missing).collect();
    let mut parents = Vec::with_capacity(missing.len());
    while let Some(folder) = missing.pop() {
        match fs::create_dir(folder) {
            Ok(()) => {}
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => return Err(error),
        }
        #[cfg(test)]
        note(Op::MakeFolder(folder.into()));
        parents.push(parent(folder).to_owned());
    }
    Ok(parents)
}

/// The folder that a file or a folder is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A hidden file that is removed unless it is published. The folder must be there.
pub(crate) fn create(folder: &Path, stem: &str) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    let hidden = format!(".{stem}-");
    builder.prefix(&hidden).suffix(".part");
    // tempfile makes private files; these have the permissions of any other file, less what the umask takes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    #[cfg(test)]
    note(Op::Create(file.path().into()));
    Ok(file)
}

/// As [`create`], in a folder that is made if it is missing.
pub(crate) fn create_hidden(folder: &Path, stem: &str) -> io::Result<NamedTempFile> {
    make_folders(folder)?;
    create(folder, stem)
}

/// Writes at an offset of a file, whose path is told for the log.
#[cfg_attr(not(test), allow(unused_variables, reason = "there is no log"))]
pub(crate) fn write_at(mut file: &File, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)?;
    #[cfg(test)]
    note(Op::Write { path: path.into(), offset, bytes: bytes.into() });
    Ok(())
}

/// Cuts a file off.
#[cfg_attr(not(test), allow(unused_variables, reason = "there is no log"))]
pub(crate) fn cut(file: &File, path: &Path, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    #[cfg(test)]
    note(Op::Cut { path: path.into(), length });
    Ok(())
}

/// Makes what was written to a file outlive a crash, but not its name.
#[cfg_attr(not(test), allow(unused_variables, reason = "there is no log"))]
pub(crate) fn sync(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    #[cfg(test)]
    note(Op::Sync(path.into()));
    Ok(())
}

/// Gives a file a name that no other file has. It outlives a crash once the folder is synced.
///
/// # Errors
/// The disk's, with the file, which keeps its name.
pub(crate) fn publish(file: TempPath, path: &Path) -> Result<(), (io::Error, TempPath)> {
    #[cfg(test)]
    let from = file.to_path_buf();
    match file.persist_noclobber(path) {
        Ok(()) => {}
        Err(PathPersistError { error, path: back })
            if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::CrossesDevices) =>
        {
            return Err((error, back));
        }
        // A file system that can neither rename without replacing nor link (FAT on some systems).
        Err(PathPersistError { path: back, .. }) => replace_reserved(back, path)?,
    }
    #[cfg(test)]
    note(Op::Publish { from, to: path.into() });
    Ok(())
}

/// Gives a file a second name that no other file has.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    #[cfg(test)]
    note(Op::Link { from: from.into(), to: to.into() });
    Ok(())
}

/// Takes a name with an empty file, which the whole one then replaces.
fn replace_reserved(file: TempPath, path: &Path) -> Result<(), (io::Error, TempPath)> {
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => file.persist(path).map_err(|PathPersistError { error, path: back }| {
            let _ = fs::remove_file(path);
            (error, back)
        }),
        Err(error) => Err((error, file)),
    }
}

/// Makes the names in a folder outlive a crash. `false` where the system cannot do that with folders.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<bool> {
    if cfg!(windows) {
        return Ok(false);
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    }
    #[cfg(test)]
    note(Op::SyncFolder(folder.into()));
    Ok(true)
}

/// Syncs folders, in their order. `false` where the system cannot do that with one of them.
pub(crate) fn sync_folders<'a>(folders: impl IntoIterator<Item = &'a Path>) -> io::Result<bool> {
    folders.into_iter().try_fold(true, |all, folder| Ok(sync_folder(folder)? && all))
}

/// Removes a file. It may be there again after a crash.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    #[cfg(test)]
    note(Op::Remove(path.into()));
    Ok(())
}

#[cfg(test)]
mod tests;
