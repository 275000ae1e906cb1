//! A store in memory, as a transport, whose faults a test sets.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use seedream_client::{Reached, ResponseBody, Transport, TransportError};

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Serve,
    /// It is done, and the response is lost.
    Lost,
    /// Nothing is done: the connection ends while the body is sent.
    Cut,
    Refuse(u16, &'static str),
    /// HEAD states other bytes.
    Size(u64),
}

type Rule = dyn Fn(&str, usize) -> Answer + Send + Sync;

/// A bucket `b` at `https://store.example`. A request is called `PUT key`, `PUT part key`, `POST uploads key`, `POST upload key`,
/// `DELETE upload key` and so on.
#[derive(Clone)]
pub(crate) struct StoreDouble {
    rule: Arc<Mutex<Arc<Rule>>>,
    /// Whether checksums are kept; a store of another kind refuses them.
    has_checksums: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, (Bytes, Option<String>)>,
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    seen: Vec<String>,
}

impl fmt::Debug for StoreDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreDouble")
    }
}

impl StoreDouble {
    pub(crate) fn new(has_checksums: bool) -> Self {
        Self { rule: Arc::new(Mutex::new(Arc::new(|_, _| Answer::Serve))), has_checksums, state: Arc::default() }
    }

    /// Answers each request by its name and its number among those of this name, from 0.
    pub(crate) fn rule(&self, rule: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// The objects, without the probes, by key.
    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        let state = self.state.lock().unwrap();
        state.objects.iter().map(|(key, (bytes, _))| (key.clone(), bytes.clone())).collect()
    }

    pub(crate) fn uploads(&self) -> usize {
        self.state.lock().unwrap().uploads.len()
    }

    /// How many requests have a name that begins so.
    pub(crate) fn count(&self, begin: &str) -> usize {
        self.state.lock().unwrap().seen.iter().filter(|seen| seen.starts_with(begin)).count()
    }
}

impl State {
    fn serve(
        &mut self,
        name: &str,
        query: &str,
        key: &str,
        sha256: Option<String>,
        body: Bytes,
    ) -> Response<ResponseBody> {
        let respond = |status: u16, body: String| Response::builder().status(status).body(body.into()).unwrap();
        let value = |wanted: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let no_upload = || respond(404, "<Error><Code>NoSuchUpload</Code></Error>".into());
        match name.rsplit_once(' ').map_or(name, |(what, _)| what) {
            "PUT" => {
                self.objects.insert(key.to_owned(), (body, sha256));
                Response::builder().header("etag", "\"x\"").body(ResponseBody::default()).unwrap()
            }
            what @ ("GET" | "HEAD") => {
                let Some((bytes, sha256)) = self.objects.get(key) else {
                    return respond(404, "<Error><Code>NoSuchKey</Code></Error>".into());
                };
                let mut response = Response::builder().header("content-length", bytes.len()).header("etag", "\"x\"");
                if let Some(sha256) = sha256 {
                    response = response.header("x-amz-checksum-sha256", sha256);
                }
                let body = if what == "GET" { bytes.clone().into() } else { ResponseBody::default() };
                response.body(body).unwrap()
            }
            "DELETE" => {
                self.objects.remove(key);
                respond(204, String::new())
            }
            "POST uploads" => {
                let id = format!("upload-{}", self.uploads.len());
                self.uploads.insert(id.clone(), BTreeMap::new());
                let body =
                    format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
                respond(200, body)
            }
            "PUT part" => {
                let number = value("partNumber").parse().unwrap();
                let Some(upload) = self.uploads.get_mut(&value("uploadId")) else { return no_upload() };
                upload.insert(number, body);
                Response::builder().header("etag", format!("\"part-{number}\"")).body(ResponseBody::default()).unwrap()
            }
            "POST upload" => {
                let Some(parts) = self.uploads.remove(&value("uploadId")) else { return no_upload() };
                let all: Vec<u8> = parts.values().flat_map(|part| part.to_vec()).collect();
                self.objects.insert(key.to_owned(), (all.into(), None));
                respond(200, "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>".into())
            }
            "DELETE upload" if self.uploads.remove(&value("uploadId")).is_some() => respond(204, String::new()),
            "DELETE upload" => no_upload(),
            other => panic!("the double does not know {other}"),
        }
    }
}

#[async_trait]
impl Transport for StoreDouble {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ResponseBody>, TransportError> {
        let (parts, body) = request.into_parts();
        let key = parts.uri.path().strip_prefix("/b/").expect("a key of the bucket").to_owned();
        let query = parts.uri.query().unwrap_or_default();
        let of = match query {
            query if query.starts_with("uploads") => " uploads",
            query if query.starts_with("partNumber") => " part",
            query if query.starts_with("uploadId") => " upload",
            _ => "",
        };
        let name = format!("{}{of} {key}", parts.method);
        let authorization = parts.headers["authorization"].to_str().unwrap();
        let is_signed = authorization.contains("x-amz-checksum-mode");
        assert_eq!(is_signed, parts.method == "HEAD", "only a HEAD asks for the checksum");
        assert!(authorization.contains(super::ID) && !authorization.contains(super::SECRET));
        let sha256 = parts.headers.get("x-amz-checksum-sha256").map(|value| value.to_str().unwrap().to_owned());
        let rule = self.rule.lock().unwrap().clone();
        let mut state = self.state.lock().unwrap();
        let number = state.seen.iter().filter(|seen| **seen == name).count();
        state.seen.push(name.clone());
        let cut = || Err(TransportError::new(Reached::Sent, "the connection was lost before a response came"));
        let refuse = |status: u16, code: &str| {
            let (id, secret) = (super::ID, super::SECRET);
            // Stores repeat what they were sent.
            let text = format!(
                "<Error><Code>{code}</Code><AWSAccessKeyId>{id}</AWSAccessKeyId><Debug>{secret}</Debug></Error>"
            );
            Ok(Response::builder().status(status).body(text.into()).unwrap())
        };
        if sha256.is_some() && !self.has_checksums {
            return refuse(400, "InvalidArgument");
        }
        match rule(&name, number) {
            Answer::Serve => Ok(state.serve(&name, query, &key, sha256, body)),
            Answer::Lost => {
                drop(state.serve(&name, query, &key, sha256, body));
                cut()
            }
            Answer::Cut => cut(),
            Answer::Refuse(status, code) => refuse(status, code),
            Answer::Size(bytes) => Ok(Response::builder()
                .header("content-length", bytes)
                .header("etag", "\"x\"")
                .body(ResponseBody::default())
                .unwrap()),
        }
    }
}
