//! A server that takes TLS only, with a certificate of an authority of its own.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "support/postgres.rs"]
mod postgres;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use postgres::Postgres;
use seedream_ledger::{Ledger, ServerOptions};

const URL: &str = "SEEDREAM_LEDGER_TEST_URL";

/// The process that connects, which reads the authorities when it starts.
#[test]
fn a_process_that_connects() {
    let Ok(url) = std::env::var(URL) else { return };
    let folder = tempfile::tempdir().unwrap();
    match Ledger::connect(&url, ServerOptions::default().spool(folder.path())) {
        Ok(ledger) => println!("\nconnected to {}", ledger.name()),
        Err(error) => println!("\nrefused: {error}"),
    }
}

fn connect(url: &str, authorities: &Path) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["a_process_that_connects", "--exact", "--nocapture"]).env(URL, url).env_remove("SSL_CERT_DIR");
    let Output { status, stdout, .. } = child.env("SSL_CERT_FILE", authorities).output().unwrap();
    assert!(status.success());
    String::from_utf8(stdout).unwrap()
}

fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
    assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_certificate_has_to_be_valid_and_of_the_host() {
    let Some(server) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for name in ["ours", "other"] {
        openssl(path, &format!("req -x509 {new_key} -keyout {name}.key -out {name}.pem -subj /CN={name} -days 2"));
    }
    openssl(path, &format!("req {new_key} -keyout server.key -out server.csr -subj /CN=localhost"));
    openssl(
        path,
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -out server.crt -days 2 -extfile names",
    );
    for name in ["server.key", "server.crt"] {
        server.put(name, &fs::read_to_string(path.join(name)).unwrap());
    }
    server.put("pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (parameter, value) in [("ssl", "on"), ("listen_addresses", "'127.0.0.1'"), ("port", &port.to_string())] {
        server.configure(parameter, value);
    }
    server.restart();

    let url = |host, mode| format!("postgres://postgres@{host}:{port}/postgres?hostaddr=127.0.0.1&sslmode={mode}");
    for mode in ["require", "verify-full"] {
        let connected = connect(&url("localhost", mode), &path.join("ours.pem"));
        assert!(connected.contains("connected to postgres://postgres@localhost"), "{connected}");
    }
    for (host, mode, authorities, told) in [
        ("localhost", "require", "other.pem", "SSL_CERT_FILE"),
        ("another.example", "require", "ours.pem", "certificate"),
        ("localhost", "disable", "ours.pem", "no encryption"),
    ] {
        let refused = connect(&url(host, mode), &path.join(authorities));
        assert!(refused.contains("refused: ") && refused.contains(told), "{host} {mode} {authorities}: {refused}");
    }
}
