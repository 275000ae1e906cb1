//! Links that are not absolute, or lead to the API itself.

use crate::engine::call::Call;
use crate::engine::images_url;
use crate::engine::route::session_prefix;
use crate::fault::BodyFault;
use crate::picture::Picture;

/// Whether a shape is about links.
pub(super) fn is_link(shape: BodyFault) -> bool {
    matches!(shape, BodyFault::Relative | BodyFault::HostRelative | BodyFault::ProtocolRelative | BodyFault::OwnHttp)
}

/// The image that a URL of this mock opens.
pub(super) fn picture(url: &str) -> Option<Picture> {
    let (path, query) = url.split_once('?')?;
    images_url::describe(path, query)
}

/// A URL of this mock in another form; `path` is what was asked for.
pub(super) fn shaped(call: &Call<'_>, path: &str, shape: BodyFault, url: &str) -> String {
    let Some(below) = url.strip_prefix(call.origin.as_str()) else { return url.to_owned() };
    match shape {
        BodyFault::HostRelative => below.to_owned(),
        BodyFault::ProtocolRelative => url.strip_prefix("http:").unwrap_or(url).to_owned(),
        _ => {
            let prefix = session_prefix(call.session);
            let folder = below.strip_prefix(prefix.as_str()).unwrap_or(below).trim_start_matches('/');
            let end = path.rfind('/').map_or(0, |slash| slash + 1);
            if shape == BodyFault::Relative {
                folder.to_owned()
            } else {
                format!("{}{}{folder}", call.origin, &path[..end])
            }
        }
    }
}
