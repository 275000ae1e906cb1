//! A file that grows while a response arrives.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::operations as disk;

/// How much of a file says what it is.
const HEAD: usize = 512;

/// A file without a name. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct GrowingFile {
    file: NamedTempFile,
    directory: PathBuf,
    head: Vec<u8>,
    length: u64,
}

impl GrowingFile {
    /// Appends bytes to a file, or to a new one, and gives back the vector that held them.
    ///
    /// # Errors
    /// All that the file held and the bytes: nothing is lost where a disk is full.
    pub(crate) fn append(part: Option<Self>, directory: &Path, bytes: Vec<u8>) -> Result<(Self, Vec<u8>), Vec<u8>> {
        let mut to = match part.map_or_else(|| Self::create(directory), Ok) {
            Ok(part) => part,
            Err(_) => return Err(bytes),
        };
        if disk::write_at(to.file.as_file(), to.file.path(), to.length, &bytes).is_err() {
            let mut all = to.into_bytes();
            all.extend_from_slice(&bytes);
            return Err(all);
        }
        let missing = HEAD.saturating_sub(to.head.len()).min(bytes.len());
        to.head.extend_from_slice(&bytes[..missing]);
        to.length += bytes.len() as u64;
        Ok((to, bytes))
    }

    fn create(directory: &Path) -> io::Result<Self> {
        let file = disk::create_hidden(directory, "lifted")?;
        Ok(Self { file, directory: directory.to_owned(), head: Vec::new(), length: 0 })
    }

    /// Gives the file a name, with the extension of its content, under which it stays.
    ///
    /// # Errors
    /// What the file held.
    pub(crate) fn keep(self, stem: &str) -> Result<PathBuf, Vec<u8>> {
        let path = self.directory.join(format!("{stem}.{}", extension(&self.head)));
        let Self { file, directory, head, length } = self;
        let (file, temporary) = file.into_parts();
        match disk::publish(temporary, &path) {
            Ok(()) => Ok(path),
            Err((_, temporary)) => {
                let file = NamedTempFile::from_parts(file, temporary);
                Err(Self { file, directory, head, length }.into_bytes())
            }
        }
    }

    /// What was written, piece by piece. The file is gone then.
    pub(crate) fn read(self, mut each: impl FnMut(&[u8])) {
        let mut file = self.file.into_file();
        let mut left = self.length;
        let mut buffer = vec![0; 96 << 10];
        let _ = file.rewind();
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            match read(&mut file, &mut buffer[..most]) {
                0 => return,
                count => {
                    each(&buffer[..count]);
                    left -= count as u64;
                }
            }
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut all = Vec::new();
        self.read(|bytes| all.extend_from_slice(bytes));
        all
    }
}

fn read(file: &mut File, buffer: &mut [u8]) -> usize {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.unwrap_or(0),
        }
    }
}

/// What a file that begins like this is called.
fn extension(head: &[u8]) -> &'static str {
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => "json",
        Some(b'<') => "html",
        _ => infer::get(head).map_or_else(|| if is_text(head) { "txt" } else { "bin" }, |kind| kind.extension()),
    }
}

/// Whether a file that begins like this is text, such as a stream of events.
fn is_text(head: &[u8]) -> bool {
    // The head may end inside a character.
    let valid = std::str::from_utf8(head).map_or_else(|error| error.valid_up_to() + 4 > head.len(), |_| true);
    valid && !head.is_empty() && !head.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace())
}
