//! Runs the command that prints a key.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long a command may take: a person may have to unlock a key ring first.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The most bytes that are read of what a command prints.
const MOST: u64 = 64 << 10;

/// Runs a program without a shell, and returns the first line that it prints. Nothing that it prints is shown.
///
/// # Errors
/// A sentence with the name of the program: it cannot be started, fails, takes too long or prints no key.
pub(super) fn run(command: &[String], limit: Duration) -> Result<String, String> {
    let (program, arguments) = command.split_first().ok_or("the command is empty")?;
    let try_it = "run it in a terminal to see why";
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    let output = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    // A program that it started may keep the pipe open, so the time is limited here, and the thread is not waited for.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.map(|output| output.take(MOST).read_to_end(&mut bytes));
        drop(sender.send(read.unwrap_or(Ok(0)).map(|_| bytes)));
    });
    let printed = receiver.recv_timeout(limit);
    if printed.is_err() {
        // It may have ended just now.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("`{program}` cannot be waited for: {error}"))?;
    let Ok(printed) = printed else {
        return Err(format!("`{program}` printed nothing within {} s and was ended; {try_it}", limit.as_secs_f64()));
    };
    if !status.success() {
        return Err(format!("`{program}` failed with {status}; {try_it}"));
    }
    let text = printed.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let key = text.as_deref().and_then(|text| text.lines().next()).map(str::trim);
    match key.filter(|key| !seedream::seedream_client::bare_key(key).is_empty()) {
        Some(key) => Ok(key.to_owned()),
        None => Err(format!("`{program}` printed no key in its first line; {try_it}")),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn ran(command: &[&str], limit: Duration) -> Result<String, String> {
        run(&command.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), limit)
    }

    #[test]
    fn the_key_is_the_first_line_and_no_shell_reads_the_arguments() {
        assert_eq!(ran(&["printf", r"sk-1\nuser: a\n"], TIME_LIMIT).unwrap(), "sk-1");
        assert_eq!(ran(&["echo", "$HOME; `x` 'y'"], TIME_LIMIT).unwrap(), "$HOME; `x` 'y'");
    }

    #[test]
    fn a_command_that_brings_no_key_is_an_error_without_what_it_printed() {
        let failed = |command: &[&str], limit| ran(command, limit).unwrap_err();
        assert!(failed(&["no-such-program-here"], TIME_LIMIT).contains("cannot be started"));
        let text = failed(&["sh", "-c", "echo sk-canary; echo sk-canary >&2; exit 3"], TIME_LIMIT);
        assert!(text.contains("exit status: 3") && !text.contains("canary"), "{text}");
        for nothing in [&["true"][..], &["echo"], &["echo", "Bearer "]] {
            assert!(failed(nothing, TIME_LIMIT).contains("printed no key"), "{nothing:?}");
        }
        // It never ends by itself.
        assert!(failed(&["tail", "-f", "/dev/null"], Duration::from_millis(1)).contains("was ended"));
        assert!(failed(&[], TIME_LIMIT).contains("empty"));
    }
}
