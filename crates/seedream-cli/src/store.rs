//! The folder of a run: whether it can be written to, and the files of accepted tasks.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use seedream::Task;

use crate::exit::Failure;

/// The longest part of a file name that a task's id may be: names end at 255 bytes on most systems.
const LONGEST_ID: usize = 200;

/// No task file is larger.
const LARGEST_TASK: u64 = 1 << 20;

/// How much is written to see whether there is room.
const PROBE: usize = 64 << 10;

/// Makes the folder and tries to write to it, on the thread that will write, before anything is bought that could not be kept.
///
/// # Errors
/// It cannot be made or written to; nothing was sent.
pub(crate) async fn prepare(out: &Path) -> Result<(), Failure> {
    let folder = out.to_owned();
    // A full disk takes an empty file.
    let probe = |mut file: fs::File| file.write_all(&[0; PROBE]).and_then(|()| file.sync_all());
    let tried = move || fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder)).and_then(probe);
    let tried = tokio::task::spawn_blocking(tried).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    tried.map_err(|error| Failure::usage(format!("{} cannot be written to: {error}; nothing was sent", out.display())))
}

/// The file of a task in a folder.
pub(crate) fn path_of(out: &Path, task: &Task) -> PathBuf {
    // Ids are ASCII, so any length is a boundary.
    let id = task.id.as_str();
    out.join(format!("{}-{}.task.json", task.provider, &id[..id.len().min(LONGEST_ID)]))
}

/// Writes a task's file so that it outlives a crash of the whole machine: whole, under its name, with that name synced.
///
/// # Errors
/// The disk's.
pub(crate) async fn keep(out: &Path, task: &Task) -> io::Result<PathBuf> {
    let path = path_of(out, task);
    let text = serde_json::to_string_pretty(task)?;
    let (out, target) = (out.to_owned(), path.clone());
    let job = move || -> io::Result<()> {
        fs::create_dir_all(&out)?;
        let mut file = tempfile::Builder::new().prefix(".task-").suffix(".part").tempfile_in(&out)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        sync(&out)
    };
    tokio::task::spawn_blocking(job).await.map_err(io::Error::other)??;
    Ok(path)
}

/// Reads a task's file.
///
/// # Errors
/// It cannot be read, or is none.
pub(crate) fn read(path: &Path) -> Result<Task, Failure> {
    let shown = path.display();
    let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("{shown} is no task file: {error}"));
    let size = fs::metadata(path).map_err(|error| Failure::usage(format!("{shown} cannot be read: {error}")))?.len();
    if size > LARGEST_TASK {
        return Err(failed(&"it is far too large"));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

/// Removes a task's file: everything it stood for is saved.
///
/// # Errors
/// The disk's.
pub(crate) fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names in a folder outlive a crash, where the system can.
#[cfg(unix)]
fn sync(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use seedream::TaskId;

    use super::*;

    #[tokio::test]
    async fn a_task_is_kept_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("new");
        let task = Task::new("evolink", "https://a.example", TaskId::new("t".repeat(256)).unwrap(), "m".into());
        let path = keep(&out, &task).await.unwrap();
        assert_eq!(path, path_of(&out, &task));
        assert_eq!(read(&path).unwrap(), task);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        forget(&path).unwrap();
        forget(&path).unwrap();
        assert!(read(&path).is_err());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_to_is_found_before() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(prepare(&file.join("out")).await.unwrap_err().message.contains("nothing was sent"));
        assert!(prepare(&dir.path().join("a/b")).await.is_ok());
        assert!(read(&file).unwrap_err().message.contains("no task file"));
    }
}
