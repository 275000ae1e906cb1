//! The program: a child process, one question at a time, and no patience without an end.

use std::{
    fmt,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::case::HarnessFault;

/// How long a response may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The longest line that is read.
const LONGEST: u64 = 64 * 1024 * 1024;

/// A program that is asked.
pub(super) struct Program {
    command: String,
    patience: Duration,
    wire: Mutex<ProgramPipes>,
}

struct ProgramPipes {
    child: Child,
    questions: mpsc::Sender<String>,
    responses: mpsc::Receiver<Vec<u8>>,
    asked: u64,
    /// Nothing is asked any more once something went wrong.
    fault: Option<HarnessFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramResponse {
    id: u64,
    result: Box<RawValue>,
}

impl Program {
    pub(super) fn start(command: &str, patience: Duration) -> Result<Self, String> {
        let mut words = command.split_whitespace();
        let name = words.next().ok_or("no program is named")?;
        let child = Command::new(name).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("`{name}` does not start: {error}"))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (mut stdin, stdout) = stdin.zip(stdout).ok_or("the program has no standard input and output")?;
        // Both ways have a thread of their own: a program that does not read, or does not write, blocks neither.
        let (questions, to_ask) = mpsc::channel::<String>();
        thread::spawn(move || {
            to_ask
                .into_iter()
                .try_for_each(|question| stdin.write_all(question.as_bytes()).and_then(|()| stdin.flush()))
        });
        let (lines, responses) = mpsc::channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let mut line = Vec::new();
                let read = stdout.by_ref().take(LONGEST).read_until(b'\n', &mut line);
                if !matches!(read, Ok(1..)) || lines.send(line).is_err() {
                    return;
                }
            }
        });
        let wire = ProgramPipes { child, questions, responses, asked: 0, fault: None };
        Ok(Self { command: command.to_owned(), patience, wire: Mutex::new(wire) })
    }

    /// Asks one question and waits for its response.
    pub(super) fn ask(&self, method: &str, params: &Value) -> Result<Box<RawValue>, HarnessFault> {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = &wire.fault {
            return Err(fault.clone());
        }
        wire.asked += 1;
        let id = wire.asked;
        let question = format!("{}\n", json!({ "id": id, "method": method, "params": params }));
        let line = match wire.questions.send(question) {
            Ok(()) => wire.responses.recv_timeout(self.patience),
            Err(_) => Err(mpsc::RecvTimeoutError::Disconnected),
        };
        let response = match line {
            Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("does not answer {method} within {:?}", self.patience)),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(format!("ended before it answered {method}")),
            Ok(line) => match serde_json::from_slice::<ProgramResponse>(&line) {
                Ok(response) if response.id == id => Ok(response.result),
                Ok(response) => Err(format!("answers question {} where {id} ({method}) was asked", response.id)),
                Err(error) => {
                    let start: String = String::from_utf8_lossy(&line).trim_end().chars().take(80).collect();
                    Err(format!("answers {method} with `{start}`: {error}"))
                }
            },
        };
        response.map_err(|what| wire.stop(&self.command, &what))
    }

    /// The program responds in time and in turn with something unusable; the next question is still asked.
    pub(super) fn unusable(&self, what: &str) -> HarnessFault {
        HarnessFault(format!("`{}` {what}", self.command))
    }
}

impl ProgramPipes {
    /// Stops the program for good; from now on every question ends with this.
    fn stop(&mut self, command: &str, what: &str) -> HarnessFault {
        // It may have ended by itself, and there is nothing to do if not.
        let _ = self.child.kill();
        let ended = self.child.wait().ok().and_then(|status| status.code()).filter(|code| *code != 0);
        let ended = ended.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        self.fault.get_or_insert(HarnessFault(format!("`{command}` {what}{ended}"))).clone()
    }
}

impl Drop for ProgramPipes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.command).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(command: &str) -> String {
        let program = Program::start(command, Duration::from_millis(200)).unwrap();
        let first = program.ask("describe", &json!({})).unwrap_err().0;
        let second = program.ask("encode", &json!({})).unwrap_err().0;
        assert_eq!(first, second, "it is not asked again");
        first
    }

    #[test]
    fn a_program_that_ends_is_silent_or_raves_is_a_fault_and_no_hang() {
        assert_eq!(fault("true"), "`true` ended before it answered describe");
        assert_eq!(fault("sleep 600"), "`sleep 600` does not answer describe within 200ms");
        assert!(
            fault("cat")
                .starts_with(r#"`cat` answers describe with `{"id":1,"method":"describe","params":{}}`: unknown"#)
        );
        assert!(
            Program::start("no-such-program --at all", PATIENCE).is_err_and(|said| said.contains("does not start"))
        );
        assert!(Program::start(" ", PATIENCE).is_err());
    }
}
