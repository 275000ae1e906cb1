//! Where images of a job go, and the metadata beside them.
//!
//! [`image_output`] is what an embedder can implement, [`folder_output`] the implementation in a folder. [`save`] checks an image and
//! hands it to an output; [`sidecar`] is the metadata. Nothing here sends a request of a job or writes a record.

mod folder_output;
mod image_check;
mod image_output;
mod location;
mod name_template;
mod save;
mod saved_image;
mod sidecar;

pub use self::{
    folder_output::FolderOutput,
    image_output::{FinishedPurchase, ImageContent, NewImage, Output, RequestSummary},
    location::Location,
    name_template::NameTemplate,
    save::SaveOptions,
    saved_image::{Saved, SavedImage},
    sidecar::SIDECAR_SCHEMA,
};
pub(crate) use self::{
    save::{ExaminedImage, ImageLabel, examine, existing_image, failure, fetch, fetch_into, save, save_image, write},
    sidecar::{RequestDescriber, Sidecar, described},
};
