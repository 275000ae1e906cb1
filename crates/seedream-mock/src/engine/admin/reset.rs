//! Forgetting, by an explicit list.

use serde_json::{Value, json};

use super::query::Scope;
use super::{Refusal, object};
use crate::engine::Engine;
use crate::engine::answer::Answer;
use crate::engine::conduct::Change;
use crate::engine::journal::Kind;
use crate::engine::ledger::Ledger;
use crate::engine::session::Session;

macro_rules! parts {
    ($($(#[$about:meta])* $Part:ident = $word:literal,)+) => {
        /// What can be forgotten.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Part { $($(#[$about])* $Part,)+ }

        impl Part {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$Part,)+];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Part => $word,)+ }
            }
        }
    };
}

parts! {
    /// What was asked and answered.
    Journal = "journal",
    /// What was paid.
    Ledger = "ledger",
    /// What goes wrong, with how often it did.
    Faults = "faults",
    /// The tasks, and who is to be called back for them.
    Tasks = "tasks",
    /// Who is to be called back, and that anybody was.
    Callbacks = "callbacks",
    /// How the clock was moved.
    Clock = "clock",
    /// How settings were changed.
    Settings = "settings",
    /// All of it: the session itself.
    Session = "session",
}

/// Reads `{"clear":["journal","ledger"]}`.
///
/// # Errors
/// There is no list, or a word of it names nothing.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Part>, Refusal> {
    const BAD: &str = "mock_bad_reset";
    let known: Vec<&str> = Part::ALL.iter().map(|part| part.as_str()).collect();
    let known = known.join(", ");
    let members = object(BAD, body, r#"{"clear":["journal","ledger"]}"#)?;
    if let Some(name) = members.keys().find(|name| *name != "clear") {
        return Err(Refusal::bad(BAD, format!("{name}: reset takes clear, a list of what to forget: {known}")));
    }
    let Some(Value::Array(words)) = members.get("clear") else {
        return Err(Refusal::bad(BAD, format!("clear: name what to forget, as a list of {known}")));
    };
    let part = |word: &Value| {
        let found = Part::ALL.iter().copied().find(|part| word.as_str() == Some(part.as_str()));
        found.ok_or_else(|| Refusal::bad(BAD, format!("clear: {word} is none of {known}")))
    };
    words.iter().map(part).collect()
}

pub(super) fn answer(engine: &Engine, scope: Scope<'_>, parts: &[Part]) -> Answer {
    engine.reset(scope, parts);
    let cleared: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
    Answer::value(200, &json!({ "session": scope.session().unwrap_or("*"), "cleared": cleared }))
}

impl Engine {
    /// Forgets parts of a session, or of all; without a session the settings are those of all. Clocks are the server's.
    pub(crate) fn reset(&self, scope: Scope<'_>, parts: &[Part]) {
        let names = match scope.session() {
            Some(name) => vec![name.to_owned()],
            None => self.sessions().names(),
        };
        for name in &names {
            if parts.contains(&Part::Session) {
                self.sessions().forget(name);
            } else {
                self.sessions().look(name, |session| parts.iter().for_each(|part| clear(session, *part)));
            }
        }
        self.sessions().clear_remains(scope.session(), parts);
        if parts.contains(&Part::Settings) && !matches!(scope, Scope::One(_)) {
            self.set_change(Change::default());
        }
    }
}

fn clear(session: &mut Session, part: Part) {
    match part {
        Part::Journal => [Kind::Request, Kind::Callback].into_iter().for_each(|kind| session.journal.remove(kind)),
        Part::Ledger => session.ledger = Ledger::default(),
        Part::Faults => session.rules.clear(),
        Part::Tasks => session.clear_tasks(),
        Part::Callbacks => session.clear_callbacks(),
        Part::Settings => session.change = Change::default(),
        Part::Clock | Part::Session => {}
    }
}
