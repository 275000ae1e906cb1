//! Links that are not absolute, or lead to the API itself.

use crate::faults::shape_words::BodyFault;
use crate::image::signed_url;
use crate::image::test_image::TestImage;
use crate::request::address::session_prefix;
use crate::request::context::RequestContext;

/// Whether a shape is about links.
pub(crate) fn is_link(shape: BodyFault) -> bool {
    matches!(shape, BodyFault::Relative | BodyFault::HostRelative | BodyFault::ProtocolRelative | BodyFault::OwnHttp)
}

/// The image that a URL of this mock opens.
pub(crate) fn image(url: &str) -> Option<TestImage> {
    let (path, query) = url.split_once('?')?;
    signed_url::describe(path, query)
}

/// A URL of this mock in another form; `path` is what was asked for.
pub(crate) fn shaped(context: &RequestContext<'_>, path: &str, shape: BodyFault, url: &str) -> String {
    let Some(below) = url.strip_prefix(context.origin.as_str()) else { return url.to_owned() };
    match shape {
        BodyFault::HostRelative => below.to_owned(),
        BodyFault::ProtocolRelative => url.strip_prefix("http:").unwrap_or(url).to_owned(),
        _ => {
            let prefix = session_prefix(context.session);
            let folder = below.strip_prefix(prefix.as_str()).unwrap_or(below).trim_start_matches('/');
            let end = path.rfind('/').map_or(0, |slash| slash + 1);
            if shape == BodyFault::Relative {
                folder.to_owned()
            } else {
                format!("{}{}{folder}", context.origin, &path[..end])
            }
        }
    }
}
