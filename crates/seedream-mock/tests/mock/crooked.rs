//! Crooked responses: the right thing in another dress, said twice, cut off, packed, or never ending.

mod body;
mod coding;
mod downloads;
mod errors;
mod streams;
mod tasks;
mod uploads;
