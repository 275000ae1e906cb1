//! Crooked responses: the right thing in another dress, said twice, cut off, packed, or never ending.

mod coding;
mod cut_uploads;
mod downloads;
mod errors;
mod json_bodies;
mod streams;
mod tasks;
