//! Starts a mock, prints where it is, and serves until it is ended: `cargo run -p seedream-mock --example serve`.

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let mut mock = seedream_mock::MockServer::builder().port(port).start().await?;
    #[expect(clippy::print_stdout, reason = "the first line of output says where the mock is")]
    {
        println!("{}", mock.ready_line());
    }
    mock.wait().await
}
