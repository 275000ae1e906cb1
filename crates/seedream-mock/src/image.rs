//! The images that the mock delivers: real files of exactly the promised size, visibly from a mock.
//!
//! A [`TestImage`](test_image::TestImage) describes an image completely and fits into a URL; a file is rendered when it is
//! fetched. Nothing here knows a request or a response.

pub(crate) mod cache;
pub(crate) mod canvas;
pub(crate) mod damage;
pub(crate) mod font;
pub(crate) mod jpeg;
pub(crate) mod palette;
pub(crate) mod png;
pub(crate) mod render;
pub(crate) mod signed_url;
pub(crate) mod test_image;
pub(crate) mod text;
