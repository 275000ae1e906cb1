//! Faults: the grammar in which a test states them, the choice of the faults of one request, and their effect on a response.
//!
//! One [`Fault`](grammar::Fault) is written as words: `status=503 code=ServerOverloaded times=2`; `;` separates several faults. The
//! same words are the members of its JSON form. Faults of the connection itself (reset, stall, drip) are applied by the server.

pub(crate) mod apply;
pub(crate) mod directive;
pub(crate) mod fault;
pub(crate) mod grammar;
pub(crate) mod notation;
pub(crate) mod rate;
pub(crate) mod reshape;
pub(crate) mod rules;
pub(crate) mod select;
pub(crate) mod shapes;
pub(crate) mod upload;
pub(crate) mod word_enum;
pub(crate) mod words;
