//! Which web pages may use the mock, and the response headers that tell a browser so.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use crate::request::address::{ADMIN, Address};
use crate::response::error::mock_error;
use crate::server::respond::MockBody;
use crate::settings::cors_origin::{CorsOrigin, is_loopback};

/// The page that sends a request.
#[derive(Debug)]
pub(crate) enum Page {
    /// None: another program, or a page that reads no response.
    None,
    /// One that may read the response.
    Allowed(HeaderValue),
    /// One that may not.
    Foreign(HeaderValue),
}

impl Page {
    /// The page of a request. The admin routes are for pages of this machine only.
    pub(crate) fn of<B>(origins: &[CorsOrigin], request: &Request<B>) -> Self {
        let Some(origin) = request.headers().get(ORIGIN) else { return Self::None };
        let text = origin.to_str().unwrap_or_default();
        let admits =
            || Address::read(request.uri().path()).prefix != ADMIN && origins.iter().any(|known| known.admits(text));
        if is_loopback(text) || admits() { Self::Allowed(origin.clone()) } else { Self::Foreign(origin.clone()) }
    }

    /// The response to the question that a browser sends before a request, which reaches no provider.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<MockBody>> {
        let asks = request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        match self {
            Self::Allowed(_) if asks => {
                let mut response = Response::new(MockBody::whole(Bytes::new()));
                *response.status_mut() = StatusCode::NO_CONTENT;
                let headers = response.headers_mut();
                headers.insert(
                    ACCESS_CONTROL_ALLOW_METHODS,
                    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE"),
                );
                // `*` would not cover Authorization.
                if let Some(wanted) = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
                    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
                }
                headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
                Some(response)
            }
            Self::Foreign(origin) if asks => {
                let origin = String::from_utf8_lossy(origin.as_bytes());
                let message = format!(
                    "Origin: pages of {origin} may not use this route: serve the page from localhost, or, for the routes of the \
                     providers, start the mock with --cors {origin}"
                );
                let body = mock_error("mock_foreign_origin", &message).to_string();
                let mut response = Response::new(MockBody::whole(body.into()));
                *response.status_mut() = StatusCode::FORBIDDEN;
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Some(response)
            }
            Self::None | Self::Allowed(_) | Self::Foreign(_) => None,
        }
    }

    /// Lets the page read a response, with all of its headers.
    pub(crate) fn allow(self, headers: &mut HeaderMap) {
        let Self::Allowed(origin) = self else { return };
        let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        let exposed = HeaderValue::try_from(names.join(", "));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("origin"));
        // Names of headers are always a value of one.
        headers.extend(exposed.ok().map(|names| (ACCESS_CONTROL_EXPOSE_HEADERS, names)));
    }
}
