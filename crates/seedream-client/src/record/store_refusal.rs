//! Why a store may refuse.

use std::{error::Error as StdError, fmt};

use seedream_core::{Error, ErrorKind};

/// Why a store does not record an attempt. Nothing was sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It would cost more than is left.
    Budget {
        /// What is exceeded, in a sentence.
        message: String,
    },
    /// A job of this id is known: what it wanted was bought, or may have been.
    AlreadyBought {
        /// The record of that job.
        id: String,
    },
    /// Another process works on this record.
    Running {
        /// The record.
        id: String,
    },
    /// Another process has taken over.
    Fenced {
        /// The record.
        id: String,
    },
    /// The store cannot be read or written.
    Storage {
        /// What failed, in a sentence.
        message: String,
        /// The cause.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
}

impl Refusal {
    /// A store that cannot be read or written, with the cause.
    pub fn storage(message: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Storage { message: message.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget { message } => f.write_str(message),
            Self::AlreadyBought { id } => write!(f, "{id} was bought already, or may have been"),
            Self::Running { id } => write!(f, "{id} belongs to a process that is running"),
            Self::Fenced { id } => write!(f, "another process has taken over {id}"),
            Self::Storage { message, .. } => f.write_str(message),
        }
    }
}

impl StdError for Refusal {
    /// The cause, unless the message says the same.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Storage { message, source } => {
                let source = source.as_deref().filter(|source| !message.contains(&source.to_string()));
                source.map(|source| source as &(dyn StdError + 'static))
            }
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    /// An error that cost nothing, since nothing was sent.
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Storage { .. } => ErrorKind::Storage,
            _ => ErrorKind::NotRecorded,
        };
        Self::new(kind, format!("{refusal}; nothing was sent")).with_source(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_cause_of_a_store_that_fails_and_no_other() {
        let cause = |refusal: Refusal| refusal.source().map(ToString::to_string);
        let storage = || Refusal::storage("the ledger is closed", std::io::Error::other("locked"));
        assert_eq!(cause(storage()).as_deref(), Some("locked"));
        assert_eq!(cause(Refusal::Running { id: "job".into() }), None);
        assert_eq!(Error::from(storage()).kind(), ErrorKind::Storage);
        assert_eq!(Error::from(Refusal::Running { id: "job".into() }).kind(), ErrorKind::NotRecorded);
    }
}
