//! The prompt, from the argument, standard input or a file.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
};

use crate::{args::RequestArgs, console::Console, failure::Failure};

/// The largest prompt that is read, in bytes. It is far beyond the limit of every model.
const LONGEST: u64 = 1 << 20;

/// The argument that selects standard input.
const STANDARD_INPUT: &str = "-";

impl RequestArgs {
    /// Reads the prompt.
    ///
    /// # Errors
    /// The prompt cannot be read, is not UTF-8 text, or is blank: a provider would bill for a blank prompt.
    pub(crate) fn prompt(&self, console: &Console) -> Result<String, Failure> {
        let (source, text) = match (&self.prompt, &self.prompt_file) {
            (Some(prompt), _) if prompt == STANDARD_INPUT => standard_input(console),
            (_, Some(file)) if file.as_os_str() == STANDARD_INPUT => standard_input(console),
            (_, Some(file)) => {
                let source = format!("--prompt-file {}", file.display());
                let text = File::open(file).map_err(|error| error.to_string()).and_then(read);
                (source, text)
            }
            (prompt, None) => ("PROMPT".to_owned(), Ok(prompt.clone().unwrap_or_default())),
        };
        let text = text.map_err(|reason| Failure::usage(format!("{source}: {reason}")))?;
        if text.trim().is_empty() {
            return Err(Failure::usage(format!("{source}: the prompt is empty; describe the image to generate")));
        }
        Ok(text)
    }
}

/// Reads standard input; returns its name and its text.
fn standard_input(console: &Console) -> (String, Result<String, String>) {
    let input = io::stdin();
    if input.is_terminal() {
        console.note("reading the prompt from standard input; end it with Ctrl-D");
    }
    ("standard input".to_owned(), read(input.lock()))
}

/// Reads UTF-8 text, without a byte order mark and the final newline.
fn read(from: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err("the prompt is longer than 1 MiB; check the file name".to_owned());
    }
    let text = match std::str::from_utf8(&bytes) {
        // UTF-16 of ASCII text is valid UTF-8 with NUL characters.
        Ok(text) if !text.contains('\0') => text,
        _ => return Err("the prompt is not UTF-8 text; convert it first".to_owned()),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.strip_suffix('\n').unwrap_or(text);
    Ok(line.strip_suffix('\r').filter(|_| line.len() < text.len()).unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_and_one_final_newline_are_removed() {
        for (bytes, prompt) in [
            ("a kite", "a kite"),
            ("a kite\n", "a kite"),
            ("a kite\r\n", "a kite"),
            ("\u{feff}a kite\n", "a kite"),
            ("a kite\n\n", "a kite\n"),
            (" two\nlines \n", " two\nlines "),
            ("a kite\r", "a kite\r"),
            ("风筝\n", "风筝"),
            ("\n", ""),
            ("", ""),
        ] {
            assert_eq!(read(bytes.as_bytes()).unwrap(), prompt, "{bytes:?}");
        }
    }

    #[test]
    fn input_that_is_not_utf8_text_is_refused() {
        for bytes in [&b"a kite \xff"[..], b"\xff\xfea\0 \0", b"a\0 \0k\0", b"\x89PNG\r\n\x1a\n", b"caf\xe9"] {
            assert!(read(bytes).unwrap_err().contains("not UTF-8 text"), "{bytes:?}");
        }
        assert!(read(io::repeat(b'a')).unwrap_err().contains("longer"));
        assert_eq!(read(&vec![b'a'; 1 << 20][..]).unwrap().len(), 1 << 20);
    }
}
