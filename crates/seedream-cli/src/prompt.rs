//! The prompt: an argument, standard input or a file.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
};

use crate::{args::RequestArgs, exit::Failure, output::Console};

/// No model takes a prompt anywhere near as long; a longer text is a mistake.
const LONGEST: u64 = 1 << 20;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

impl RequestArgs {
    /// The prompt that the flags name.
    ///
    /// # Errors
    /// It cannot be read, is no text, or says nothing: a provider would make an image of that, and bill it.
    pub(crate) fn prompt(&self, console: &Console) -> Result<String, Failure> {
        let (source, text) = match (&self.prompt, &self.prompt_file) {
            (Some(prompt), _) if prompt == STANDARD_INPUT => standard_input(console),
            (_, Some(file)) if file.as_os_str() == STANDARD_INPUT => standard_input(console),
            (_, Some(file)) => {
                let source = format!("--prompt-file {}", file.display());
                let text = File::open(file).map_err(|error| error.to_string()).and_then(read);
                (source, text)
            }
            (prompt, None) => ("the argument".to_owned(), Ok(prompt.clone().unwrap_or_default())),
        };
        let text = text.map_err(|reason| Failure::usage(format!("{source}: {reason}")))?;
        if text.trim().is_empty() {
            return Err(Failure::usage(format!("{source}: the prompt is empty")));
        }
        Ok(text)
    }
}

/// Its name, and what stands in it.
fn standard_input(console: &Console) -> (String, Result<String, String>) {
    let input = io::stdin();
    if input.is_terminal() {
        console.note("the prompt is read from standard input, to its end (Ctrl-D)");
    }
    ("standard input".to_owned(), read(input.lock()))
}

/// The text, without the mark that some editors put before it and the newline that ends its last line.
fn read(from: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err("the text is longer than any prompt".to_owned());
    }
    let text = match std::str::from_utf8(&bytes) {
        // UTF-16 of plain letters is UTF-8 too, with a zero at every other place.
        Ok(text) if !text.contains('\0') => text,
        _ => return Err("this is not UTF-8 text".to_owned()),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.strip_suffix('\n').unwrap_or(text);
    Ok(line.strip_suffix('\r').filter(|_| line.len() < text.len()).unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_loses_its_mark_and_one_newline() {
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
    fn what_is_no_text_is_refused() {
        for bytes in [&b"a kite \xff"[..], b"\xff\xfea\0 \0", b"a\0 \0k\0", b"\x89PNG\r\n\x1a\n", b"caf\xe9"] {
            assert_eq!(read(bytes).unwrap_err(), "this is not UTF-8 text", "{bytes:?}");
        }
        assert!(read(io::repeat(b'a')).unwrap_err().contains("longer"));
        assert_eq!(read(&vec![b'a'; 1 << 20][..]).unwrap().len(), 1 << 20);
    }
}
