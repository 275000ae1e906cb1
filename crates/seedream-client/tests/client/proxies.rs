//! Proxies of the environment, explicit ones, `NO_PROXY` and SOCKS, against a small proxy of the test's own.

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use seedream_client::{Client, ImageProvider as _};
use seedream_core::{Charge, ErrorKind};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    raw_server::{Raw, response},
    tiny_dialects::{KEY, Tiny, client, request, texts},
};

const BODY: &str = r#"{"data":[{"url":"https://a.example/0.png"}]}"#;

/// Where the process that is behind a proxy sends to, and what it has to find there.
const TARGET: &str = "SEEDREAM_TEST_TARGET";
const EXPECT: &str = "SEEDREAM_TEST_EXPECT";

/// Runs [`behind`] in a process with these variables and no other proxies.
async fn run(variables: Vec<(&'static str, String)>) {
    run_test("proxies::behind", variables).await;
}

async fn run_test(test: &'static str, variables: Vec<(&'static str, String)>) {
    let child = move || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_ascii_lowercase());
        }
        let output = command.envs(variables).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    };
    tokio::task::spawn_blocking(child).await.unwrap();
}

#[tokio::test]
async fn behind() {
    let (Ok(target), Ok(expect)) = (std::env::var(TARGET), std::env::var(EXPECT)) else { return };
    let client = client(Tiny, &target).build().unwrap();
    let outcome = client.generate(request()).await;
    match expect.as_str() {
        "delivered" => assert_eq!(outcome.unwrap().images().count(), 1),
        "fetched" => {
            assert_eq!(outcome.unwrap().images().count(), 1);
            assert_eq!(client.downloader().fetch(&format!("{target}/0.png")).await.unwrap(), "picture");
        }
        told => {
            let error = outcome.unwrap_err();
            not_sent(&error);
            assert!(error.message().contains(told), "{error}");
        }
    }
}

/// On a clock of its own, so that no time passes: the proxy takes the connection and says nothing.
#[tokio::test(start_paused = true)]
async fn behind_a_mute_one() {
    let (Ok(target), Ok(expect)) = (std::env::var(TARGET), std::env::var(EXPECT)) else { return };
    let error = client(Tiny, &target).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::Timeout, Charge::Unknown), "{error}");
    assert!(error.message().contains(&expect) && !texts(&error).contains("s3cret"), "{error}");
}

/// Nobody got anything, and no password is told.
fn not_sent(error: &seedream_core::Error) {
    assert!(matches!(error.kind(), ErrorKind::Transport | ErrorKind::Config), "{error:?}");
    assert_eq!(error.charge(), Charge::No, "{error:?}");
    assert!(!texts(error).contains(KEY) && !texts(error).contains("s3cret"), "{}", texts(error));
}

fn good() -> crate::raw_server::Act {
    response("200 OK", "Connection: close\r\n", BODY)
}

fn first_lines(requests: &[String]) -> Vec<String> {
    requests.iter().map(|request| request.lines().next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn the_environment_names_a_proxy_for_each_scheme() {
    for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
        let proxy = Raw::start(vec![good()]).await;
        let target = (TARGET, "http://tiny.example".to_owned());
        run(vec![(variable, proxy.url.clone()), target, (EXPECT, "delivered".into())]).await;
        assert_eq!(first_lines(&proxy.requests()), ["POST http://tiny.example/v1/images HTTP/1.1"], "{variable}");
    }
    // The other scheme's proxy is not asked.
    let (proxy, target) = (Raw::start(vec![good()]).await, (TARGET, "http://tiny.example".to_owned()));
    run(vec![
        ("https_proxy", proxy.url.clone()),
        target,
        (EXPECT, "could not connect to http://tiny.example: ".into()),
    ])
    .await;
    assert_eq!(proxy.requests().len(), 0);
}

#[tokio::test]
async fn no_proxy_is_reached_directly() {
    for (no_proxy, through) in [("tiny.example", false), ("a.example, .example", false), ("example.com", true)] {
        let proxy = Raw::start(vec![good()]).await;
        let expect = if through { "delivered" } else { "could not connect to http://tiny.example: " };
        let variables = [("http_proxy", proxy.url.clone()), ("no_proxy", no_proxy.to_owned())];
        let rest = [(TARGET, "http://tiny.example".to_owned()), (EXPECT, expect.to_owned())];
        run(variables.into_iter().chain(rest).collect()).await;
        assert_eq!(proxy.requests().len(), usize::from(through), "{no_proxy}");
    }
}

#[tokio::test]
async fn this_machine_is_never_asked_through_a_proxy_of_the_environment() {
    let image = || response("200 OK", "Connection: close\r\n", "picture");
    for variables in [&["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"][..], &["http_proxy"], &["all_proxy"]] {
        for host in ["127.0.0.1", "localhost"] {
            let (proxy, mock) = (Raw::start(vec![good()]).await, Raw::start(vec![good(), image()]).await);
            let target = mock.url.replace("127.0.0.1", host);
            let set = variables.iter().map(|name| (*name, proxy.url.clone()));
            let rest = [("NO_PROXY", "a.example".to_owned()), (TARGET, target), (EXPECT, "fetched".to_owned())];
            run(set.chain(rest).collect()).await;
            assert_eq!((proxy.requests().len(), mock.requests().len()), (0, 2), "{variables:?} {host}");
        }
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_that_fails_is_named_with_its_variable() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (variable, scheme) in [("HTTP_PROXY", "http"), ("http_proxy", "http"), ("ALL_PROXY", "socks5h")] {
        let told =
            format!("could not connect to http://tiny.example, through the proxy {scheme}://{closed} of {variable}: ");
        let url = format!("{scheme}://user:s3cret@{closed}");
        run(vec![(variable, url), (TARGET, "http://tiny.example".to_owned()), (EXPECT, told)]).await;
    }
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let told = format!("no response came in time, through the proxy http://{address} of all_proxy");
    let variables = [("all_proxy", format!("http://user:s3cret@{address}")), (EXPECT, told)];
    let target = (TARGET, "http://tiny.example".to_owned());
    run_test("proxies::behind_a_mute_one", variables.into_iter().chain([target]).collect()).await;
    // What a plain target would get is refused for want of a password: nothing went on, and trying again changes nothing.
    let proxy = Raw::start(vec![response("407 Proxy Authentication Required", "Connection: close\r\n", "")]).await;
    let told = format!("the proxy {} of ALL_PROXY wants a user name and a password (HTTP 407)", proxy.url);
    run(vec![("ALL_PROXY", proxy.url.clone()), (TARGET, "http://tiny.example".to_owned()), (EXPECT, told)]).await;
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn https_goes_through_a_tunnel_that_sees_no_key_and_a_refused_tunnel_costs_nothing() {
    // A tunnel that is refused at each attempt: 407 wants a password.
    let refuse = || response("407 Proxy Authentication Required", "Connection: close\r\n", "");
    let proxy = Raw::start(vec![refuse(), refuse(), refuse()]).await;
    // There has to be a root to trust before anything is sent; any will do, since no certificate is seen.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client/root.pem").to_owned();
    let target = (TARGET, "https://tiny.example".to_owned());
    let variables = vec![("https_proxy", proxy.url.clone()), ("SSL_CERT_FILE", root), target];
    let told = format!("through the proxy {} of https_proxy: ", proxy.url);
    run(variables.into_iter().chain([(EXPECT, told)]).collect()).await;
    let requests = proxy.requests();
    assert_eq!(first_lines(&requests), ["CONNECT tiny.example:443 HTTP/1.1"; 3]);
    assert!(requests.iter().all(|request| !request.contains(KEY) && !request.contains("lighthouse")), "{requests:?}");
}

#[tokio::test]
async fn an_explicit_proxy_takes_requests_and_downloads_and_keeps_its_password() {
    let image = response("200 OK", "Connection: close\r\n", "picture");
    let proxy = Raw::start(vec![good(), image]).await;
    let url = proxy.url.replace("http://", "http://user:s3cret@");
    let options = seedream_client::DownloadOptions::default().allow_http(true);
    let builder = client(Tiny, "http://tiny.example").download(options);
    let client = builder.proxy(&url).unwrap().build().unwrap();
    assert!(!format!("{client:?}{:?}", client.downloader()).contains("s3cret"));
    assert_eq!(client.generate(request()).await.unwrap().images().count(), 1);
    assert_eq!(client.downloader().fetch("http://pictures.example/a.png").await.unwrap(), "picture");
    let requests = proxy.requests();
    let (submit, download) =
        ("POST http://tiny.example/v1/images HTTP/1.1", "GET http://pictures.example/a.png HTTP/1.1");
    assert_eq!(first_lines(&requests), [submit, download]);
    assert!(requests.iter().all(|request| request.to_ascii_lowercase().contains("proxy-authorization: basic ")));
    assert!(!requests[1].contains(KEY));
}

#[tokio::test]
async fn this_machine_is_never_asked_through_an_explicit_proxy() {
    let image = response("200 OK", "Connection: close\r\n", "picture");
    let (proxy, mock) = (Raw::start(vec![good()]).await, Raw::start(vec![good(), image]).await);
    let client = client(Tiny, &mock.url).proxy(&proxy.url).unwrap().build().unwrap();
    assert_eq!(client.generate(request()).await.unwrap().images().count(), 1);
    assert_eq!(client.downloader().fetch(&format!("{}/0.png", mock.url)).await.unwrap(), "picture");
    assert_eq!((proxy.requests().len(), mock.requests().len()), (0, 2));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_costs_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["http", "socks5", "socks5h"] {
        // This address is for documents, and nobody has it.
        let builder = client(Tiny, "http://192.0.2.1:9").proxy(&format!("{scheme}://user:s3cret@{closed}")).unwrap();
        let error = builder.build().unwrap().generate(request()).await.unwrap_err();
        not_sent(&error);
        let told = format!("could not connect to http://192.0.2.1:9, through the proxy {scheme}://{closed}: ");
        assert!(error.message().starts_with(&told), "{error}");
    }
    for wrong in ["", "127.0.0.1:1", "ftp://a:s3cret@b", "socks5:s3cret"] {
        let error = Client::builder(Tiny).proxy(wrong).unwrap_err();
        assert!(error.kind() == ErrorKind::Config && !error.to_string().contains("s3cret"), "{error}");
    }
}

/// A SOCKS5 proxy that responds in place of every target, and notes what it was asked for.
async fn socks(asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A connection that ends early is the test's to see.
            drop(speak(socket, &asked).await);
        }
    });
    address
}

async fn speak(mut socket: TcpStream, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    // RFC 1928: version and methods; then version, CONNECT, reserved and an address.
    let mut head = [0; 2];
    socket.read_exact(&mut head).await?;
    socket.read_exact(&mut vec![0; head[1].into()]).await?;
    socket.write_all(&[5, 0]).await?;
    let mut ask = [0; 4];
    socket.read_exact(&mut ask).await?;
    let name = match ask[3] {
        1 => {
            let mut address = [0; 4];
            socket.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        _ => {
            let mut name = vec![0; socket.read_u8().await?.into()];
            socket.read_exact(&mut name).await?;
            String::from_utf8_lossy(&name).into_owned()
        }
    };
    let port = socket.read_u16().await?;
    asked.lock().unwrap().push(format!("{name}:{port}"));
    socket.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("lighthouse") {
        let mut buffer = [0; 1024];
        let read = socket.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&buffer[..read]);
    }
    let length = BODY.len();
    let response = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{BODY}");
    socket.write_all(response.as_bytes()).await
}

#[tokio::test]
async fn socks_connects_by_address_or_leaves_the_name_to_the_proxy() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let address = socks(asked.clone()).await;
    for (scheme, target) in [("socks5", "http://192.0.2.1:8123"), ("socks5h", "http://no-such-name.example")] {
        let through = client(Tiny, target).proxy(&format!("{scheme}://{address}")).unwrap().build().unwrap();
        assert_eq!(through.generate(request()).await.unwrap().images().count(), 1, "{scheme}");
    }
    let target = (TARGET, "http://no-such-name.example".to_owned());
    run(vec![("all_proxy", format!("socks5h://{address}")), target, (EXPECT, "delivered".into())]).await;
    let name = "no-such-name.example:80";
    assert_eq!(*asked.lock().unwrap(), ["192.0.2.1:8123", name, name]);
}
