//! Recording: a proxy to a real upstream that keeps each exchange without its secrets, within a budget of images.
//!
//! `image_bound` and `budget` decide whether a request may be sent, `upstream` and `images` send, `forward` passes the response on as it
//! comes, `exchange_file` makes a file of it, and `folder` writes it.

pub(crate) mod budget;
pub(crate) mod content_decoding;
pub(crate) mod exchange_file;
pub(crate) mod folder;
pub(crate) mod forward;
pub(crate) mod http_client;
pub(crate) mod image_bound;
pub(crate) mod images;
pub(crate) mod kept_headers;
pub(crate) mod public_address;
pub(crate) mod recorder;
pub(crate) mod upstream;
