//! The HTML page that a gateway sends in the place of a response.

/// The page of a status.
pub(crate) fn html_page(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let title = format!("{status} {}", reason.unwrap_or("Error"));
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>seedream-mock</center>\r\n</body>\r\n</html>\r\n"
    )
}
