//! The servers that are compared.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    process::{Command, Stdio},
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use seedream_mock::MockServer;
use tokio::net::TcpListener;
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{method, path},
};

use crate::{Result, server_process::Server};

/// Names the server that a process is.
const PEER: &str = "SEEDREAM_BENCH_PEER";

/// What is asked for images.
pub(crate) const PATH: &str = "/ark/api/v3/images/generations";

/// What those response who know only one thing: as long as the mock's own.
const ANSWER: &str = r#"{"model":"doubao-seedream-4-0-250828","created":1763668800,"data":[{"url":"http://127.0.0.1:40000/pictures/ark/0123456789abcdef-0-2048x2048-mark.jpeg?about=YSBsaWdodGhvdXNlIGluIGZvZywgc2VlbiBmcm9tIHRoZSBzZWE&X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=mock%2F20251120%2Flocal%2Ftos%2Frequest&X-Tos-Date=20251120T200000Z&X-Tos-Expires=86400&X-Tos-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef&X-Tos-SignedHeaders=host","size":"2048x2048"}],"usage":{"generated_images":1,"output_tokens":16384,"total_tokens":16384}}"#;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Reads the body, looks at nothing, and answers what is ready.
    Hyper,
    /// As it comes: it checks, signs, keeps a journal and a ledger.
    Mock,
    /// One rule for the method and the path, and what it answers; as it comes, it remembers every request.
    Wiremock,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::Hyper, Self::Mock, Self::Wiremock];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Hyper => "hyper",
            Self::Mock => "this mock",
            Self::Wiremock => "wiremock",
        }
    }

    /// Which one this process is; none is the one that asks.
    pub(crate) fn of_this_process() -> Option<Self> {
        let name = std::env::var(PEER).ok()?;
        Self::ALL.into_iter().find(|peer| peer.label() == name)
    }

    /// Starts it in a process of its own.
    pub(crate) fn start(self) -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        Server::start(command.env(PEER, self.label()).stdin(Stdio::piped()), |line| Ok(line.parse()?))
    }

    /// Serves until standard input is closed. Its first line is the address.
    pub(crate) fn serve(self) -> Result<()> {
        // As many threads as `seedream mock serve` has.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let until_the_end = |address: SocketAddr| {
            writeln!(std::io::stdout(), "{address}")?;
            std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
        };
        match self {
            Self::Hyper => until_the_end(runtime.block_on(hyper())?)?,
            Self::Mock => {
                let server = runtime.block_on(MockServer::start())?;
                until_the_end(server.address())?;
            }
            Self::Wiremock => {
                let server = runtime.block_on(wiremock());
                until_the_end(*server.address())?;
            }
        }
        Ok(())
    }
}

async fn hyper() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(raw)));
        }
    });
    Ok(address)
}

async fn raw(request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    request.into_body().collect().await?;
    let mut response = Response::new(Full::from(ANSWER));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn wiremock() -> wiremock::MockServer {
    let server = wiremock::MockServer::start().await;
    let raw = ResponseTemplate::new(200).set_body_raw(ANSWER, "application/json");
    Mock::given(method(Method::POST)).and(path(PATH)).respond_with(raw).mount(&server).await;
    server
}
