//! The databases that a ledger can be in, behind one interface: [`Site`] is where a ledger is, [`Connection`] executes its statements.

mod connection;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod schema;
pub(crate) mod sqlite;
mod value;

pub(crate) use self::{
    connection::{Alive, Connection, Opened, Presence, Site, WRITING_THREAD},
    value::{DatabaseError, FailureKind, Result, Row, Value, values},
};
