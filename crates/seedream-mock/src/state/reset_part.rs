//! The parts of a session that a reset clears.

macro_rules! parts {
    ($($(#[$about:meta])* $ResetPart:ident = $word:literal,)+) => {
        /// What can be forgotten.
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
