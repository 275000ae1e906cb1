//! Faults: the grammar in which a test states them, the choice of the faults of one request, and their effect on a response.
//!
//! One [`Fault`](grammar::Fault) is written as words: `status=503 code=ServerOverloaded times=2`; `;` separates several faults. The
//! same words are the members of its JSON form. Faults of the connection itself (reset, stall, drip) are applied by the server.

pub(crate) mod apply;
pub(crate) mod cut_upload;
pub(crate) mod fault;
pub(crate) mod fault_rules;
pub(crate) mod grammar;
pub(crate) mod notation;
pub(crate) mod prompt_directive;
pub(crate) mod rate_counters;
pub(crate) mod reshape;
pub(crate) mod select;
pub(crate) mod shape_words;
pub(crate) mod word_enum;
pub(crate) mod word_values;
