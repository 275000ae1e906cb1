//! Files: the operations by which everything that matters is written, and images on their way to a file.
//!
//! Each function of [`operations`] is one step after which a crash may come. Tests see which were done, and in which order: `log`
//! keeps them, and `crash` makes of them every state in which a crash may leave the disk. Nothing here knows a record or a job.

mod blocking;
#[cfg(test)]
pub(crate) mod crash_states;
mod digest;
mod growing_file;
mod image_buffer;
pub(crate) mod image_file;
mod numbered_name;
#[cfg(test)]
pub(crate) mod operation_log;
mod operations;

#[cfg(any(feature = "storage", feature = "webhook"))]
pub(crate) use self::digest::hex;
pub(crate) use self::{
    blocking::on_disk,
    digest::{Sha256, sha256_hex},
    growing_file::GrowingFile,
    image_buffer::{ImageBuffer, Spool, innermost, random_token},
    numbered_name::{NumberedName, is_mark, portable, start_of},
    operations::*,
};
