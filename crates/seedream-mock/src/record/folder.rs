//! The folder of a recording.

use std::fs;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use seedream_fixtures::{RECORDING_FILE, RECORDING_FORMAT, RecordingManifest};
use serde::Serialize;

use crate::hash;

/// The area of recorded exchanges.
const AREA: &str = "recorded";

/// The folder of a recording, which exists.
#[derive(Debug)]
pub(crate) struct RecordingFolder {
    root: PathBuf,
}

impl RecordingFolder {
    /// Makes the folder, or goes on with the recording in it.
    ///
    /// # Errors
    /// It has files and is no recording, has a newer format, or cannot be written.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let manifest = root.join(RECORDING_FILE);
        match fs::read_to_string(&manifest) {
            Ok(text) => {
                RecordingManifest::read(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::read_dir(root)?.next().is_some() {
                    let message = format!(
                        "it has files and no {RECORDING_FILE}, so it is no recording; name a new folder or an empty one"
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
                }
                write(&manifest, &to_json(&RecordingManifest { format: RECORDING_FORMAT }))?;
            }
            Err(error) => return Err(error),
        }
        fs::create_dir_all(root.join("images"))?;
        Ok(Self { root: root.to_owned() })
    }

    /// The file of the next exchange of a provider. It is made, so that nobody else takes its number.
    pub(crate) fn next(&self, provider: &str, begun: &impl Serialize) -> io::Result<PathBuf> {
        let folder = self.root.join(provider).join(AREA);
        fs::create_dir_all(&folder)?;
        let names = fs::read_dir(&folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let numbers = names.filter_map(|name| name.strip_suffix(".json")?.parse::<u32>().ok());
        let mut number = numbers.max().unwrap_or_default();
        loop {
            number += 1;
            let file = folder.join(format!("{number:04}.json"));
            match fs::File::create_new(&file) {
                Ok(_) => {
                    // An empty file would make the whole recording unreadable.
                    return match self.write(&file, begun) {
                        Ok(()) => Ok(file),
                        Err(error) => fs::remove_file(&file).and(Err(error)),
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes the file of an exchange.
    pub(crate) fn write(&self, file: &Path, exchange: &impl Serialize) -> io::Result<()> {
        write(file, &to_json(exchange))
    }

    /// Keeps an image, and returns the name of its file below the folder.
    pub(crate) fn keep_image(&self, bytes: &[u8]) -> io::Result<String> {
        let name = format!("images/{}.{}", hash::full(bytes), ending(bytes));
        let file = self.root.join(&name);
        if !file.exists() {
            write(&file, bytes)?;
        }
        Ok(name)
    }
}

/// The ending that a file of these bytes has.
fn ending(bytes: &[u8]) -> &'static str {
    match imagesize::image_type(bytes) {
        Ok(imagesize::ImageType::Jpeg) => "jpg",
        Ok(imagesize::ImageType::Png) => "png",
        Ok(imagesize::ImageType::Webp) => "webp",
        Ok(imagesize::ImageType::Gif) => "gif",
        _ => "bin",
    }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and raw JSON always serialise.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Writes a file so that it is there whole or not at all.
fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    let written = write_whole(Path::new(&name), bytes).and_then(|()| fs::rename(&name, file));
    if written.is_err() {
        drop(fs::remove_file(&name));
    }
    written
}

fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(file)?;
    file.write_all(bytes)?;
    // What was paid for is there after a loss of power, too.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_recording_or_nothing_is_gone_on_with() {
        let root = std::env::temp_dir().join(format!("seedream-recording-{}", std::process::id()));
        let folder = RecordingFolder::open(&root).unwrap();
        let names = |file: &Path| file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        assert_eq!(names(&folder.next("p", &1).unwrap()), "p/recorded/0001.json");
        let again = RecordingFolder::open(&root).unwrap();
        assert_eq!(names(&again.next("p", &1).unwrap()), "p/recorded/0002.json");
        assert_eq!(again.keep_image(b"\xff\xd8\xff\xe0").unwrap(), folder.keep_image(b"\xff\xd8\xff\xe0").unwrap());
        fs::write(root.join(RECORDING_FILE), r#"{"format":99}"#).unwrap();
        assert!(RecordingFolder::open(&root).unwrap_err().to_string().contains("format 99"));
        fs::remove_file(root.join(RECORDING_FILE)).unwrap();
        assert!(RecordingFolder::open(&root).unwrap_err().to_string().contains("no recording"));
        fs::remove_dir_all(&root).unwrap();
    }
}
