//! The parts of a session that a reset clears.

macro_rules! parts {
    ($($(#[$about:meta])* $ResetPart:ident = $word:literal,)+) => {
        /// A part of a session that a reset clears.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ResetPart { $($(#[$about])* $ResetPart,)+ }

        impl ResetPart {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$ResetPart,)+];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$ResetPart => $word,)+ }
            }
        }
    };
}

parts! {
    /// The journal.
    Journal = "journal",
    /// What was paid.
    Ledger = "ledger",
    /// The faults, with their counts.
    Faults = "faults",
    /// The tasks, and their callbacks that are still to be sent.
    Tasks = "tasks",
    /// The callbacks: those still to be sent, and those in the journal.
    Callbacks = "callbacks",
    /// How the clock was moved.
    Clock = "clock",
    /// How settings were changed.
    Settings = "settings",
    /// All of it: the session itself.
    Session = "session",
}
