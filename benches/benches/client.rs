//! What a reply with pictures in base64 costs: beside downloading the same bytes to a file, and beside reqwest, serde_json and
//! base64 in memory.
//!
//! One loopback server in this process answers; every contender runs in a process of its own, in turn, so that CPU time and the
//! peak of memory are its own. Prints medians and ratios, and writes them to `target/seedream-bench/client.json`.

use std::{
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use seedream::{Ark, Client, ImageProvider as _, ImageRequest, SaveOptions};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The size of one picture.
const PICTURE: usize = 16_000_000;
/// How many pictures a reply has, and how often it is asked for in one process.
const SIZES: [(usize, u32); 3] = [(1, 15), (5, 3), (15, 1)];
/// How many processes of each contender are measured.
const ROUNDS: usize = 5;
const ROLE: &str = "SEEDREAM_BENCH_ROLE";

/// The contenders. The first is what the others are measured by.
const ROLES: [(&str, &str); 5] = [
    ("plain", "plain download to a file"),
    ("values", "reqwest + serde_json + base64, in memory"),
    ("memory", "this client, to memory"),
    ("spool", "this client, to files"),
    ("saved", "this client, to files, hashed, synced and named"),
];

fn main() -> Result<()> {
    if let Ok(role) = std::env::var(ROLE) {
        return contender(&role);
    }
    if cfg!(debug_assertions) {
        return Ok(());
    }
    let server = serve()?;
    let mut report = Vec::new();
    for (pictures, times) in SIZES {
        let mut measured: Vec<Vec<Value>> = vec![Vec::new(); ROLES.len()];
        for _ in 0..ROUNDS {
            for ((role, _), measured) in ROLES.iter().zip(&mut measured) {
                measured.push(run(role, &server, pictures, times)?);
            }
        }
        let base = medians(&measured[0]);
        say(&format!("\n{pictures} pictures of {} MB, medians of {ROUNDS}", PICTURE / 1_000_000));
        for ((role, what), measured) in ROLES.iter().zip(&measured) {
            let [wall, cpu, peak, growth] = medians(measured);
            let (wall_ratio, cpu_ratio) = (wall / base[0], cpu / base[1]);
            say(&format!(
                "  {what:<50} {wall:>7.1} ms ({wall_ratio:>5.2}x)  CPU {cpu:>7.1} ms ({cpu_ratio:>5.2}x)  peak {:>7.1} MiB, grown by {:>7.1} MiB",
                peak / 1024.0,
                growth / 1024.0
            ));
            report.push(json!({
                "role": role, "pictures": pictures, "wall_ms": wall, "cpu_ms": cpu, "peak_kib": peak, "growth_kib": growth,
                "wall_ratio": wall_ratio, "cpu_ratio": cpu_ratio,
            }));
        }
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("seedream-bench");
    fs::create_dir_all(&target)?;
    let path = target.join("client.json");
    fs::write(&path, serde_json::to_string_pretty(&report)?)?;
    say(&format!("\nwritten to {}", path.display()));
    Ok(())
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn medians(measured: &[Value]) -> [f64; 4] {
    ["wall", "cpu", "peak", "growth"].map(|name| {
        let mut values: Vec<_> = measured.iter().filter_map(|one| one[name].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    })
}

/// Runs one contender in a process of its own.
fn run(role: &str, server: &str, pictures: usize, times: u32) -> Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .env(ROLE, role)
        .env("SEEDREAM_BENCH_URL", server)
        .env("SEEDREAM_BENCH_TIMES", times.to_string())
        .env("SEEDREAM_BENCH_PICTURES", pictures.to_string())
        .output()?;
    if !output.status.success() {
        return Err(format!("{role}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Asks once to warm up, then as often as it is told, and prints what one time costs.
fn contender(role: &str) -> Result<()> {
    let server = std::env::var("SEEDREAM_BENCH_URL")?;
    let times: u32 = std::env::var("SEEDREAM_BENCH_TIMES")?.parse()?;
    let pictures: usize = std::env::var("SEEDREAM_BENCH_PICTURES")?.parse()?;
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = Asked { url: format!("{server}/{pictures}"), pictures, directory: directory.path().to_owned() };
    let (mut wall, mut cpu, mut resident) = (Duration::ZERO, 0.0, 0);
    let ready = Ready::new(role)?;
    // The first connection, and everything that is made once, is not counted; nor is it an answer that all of them like.
    let nothing = Asked { url: format!("{server}/0"), pictures: 0, directory: asked.directory.clone() };
    drop(runtime.block_on(ready.ask(&nothing)));
    for time in 0..times {
        if time == 0 {
            resident = status("VmRSS")?;
        }
        let (start, used) = (Instant::now(), cpu_ms()?);
        runtime.block_on(ready.ask(&asked))?;
        wall += start.elapsed();
        cpu += cpu_ms()? - used;
        for entry in fs::read_dir(directory.path())? {
            fs::remove_file(entry?.path())?;
        }
    }
    let peak = status("VmHWM")?;
    let result = json!({
        "wall": wall.as_secs_f64() * 1000.0 / f64::from(times),
        "cpu": cpu / f64::from(times),
        "peak": peak,
        "growth": peak - resident,
    });
    say(&result.to_string());
    Ok(())
}

struct Asked {
    url: String,
    pictures: usize,
    directory: PathBuf,
}

/// A contender with its connections.
enum Ready {
    Plain(reqwest::Client),
    Values(reqwest::Client),
    Ours { spool: bool, save: bool, transport: Arc<seedream::ReqwestTransport> },
}

impl Ready {
    fn new(role: &str) -> Result<Self> {
        let transport = || Arc::new(seedream::ReqwestTransport::new());
        Ok(match role {
            "plain" => Self::Plain(http()?),
            "values" => Self::Values(http()?),
            "memory" => Self::Ours { spool: false, save: false, transport: transport() },
            "spool" => Self::Ours { spool: true, save: false, transport: transport() },
            "saved" => Self::Ours { spool: true, save: true, transport: transport() },
            _ => return Err(format!("no such contender: {role}").into()),
        })
    }

    async fn ask(&self, asked: &Asked) -> Result<()> {
        match self {
            Self::Plain(client) => {
                let mut answer = client.post(&asked.url).body("{}").send().await?;
                let mut file = fs::File::create(asked.directory.join("body"))?;
                while let Some(chunk) = answer.chunk().await? {
                    file.write_all(&chunk)?;
                }
            }
            Self::Values(client) => {
                let body = client.post(&asked.url).body("{}").send().await?.bytes().await?;
                let value: Value = serde_json::from_slice(&body)?;
                drop(body);
                let items = value["data"].as_array().ok_or("no data")?;
                let pictures: std::result::Result<Vec<_>, _> =
                    items.iter().map(|item| STANDARD.decode(item["b64_json"].as_str().unwrap_or_default())).collect();
                assert_eq!(pictures?.iter().map(Vec::len).sum::<usize>(), asked.pictures * PICTURE);
            }
            Self::Ours { spool, save, transport } => {
                let mut builder = Client::builder(Arc::new(Ark)).base_url(&asked.url).transport(transport.clone());
                if *spool {
                    builder = builder.spool(&asked.directory);
                }
                let client = builder.build()?;
                let generation =
                    client.generate(ImageRequest::new("doubao-seedream-4-0-250828", "a lighthouse")).await?;
                assert_eq!(generation.images().count(), asked.pictures);
                if *save {
                    let saved = client.save(&generation, &SaveOptions::new(&asked.directory, "bench")).await;
                    assert!(saved.images().all(|image| image.bytes == PICTURE as u64));
                    assert_eq!(saved.images().count(), asked.pictures);
                }
            }
        }
        Ok(())
    }
}

/// A reqwest that needs no certificates.
fn http() -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).build()?)
}

/// Milliseconds of CPU time of all threads; those of a runtime that is idle for seconds only are all still there.
fn cpu_ms() -> Result<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        let stat = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += stat.split_whitespace().next().ok_or("schedstat")?.parse::<f64>()?;
    }
    Ok(nanoseconds / 1e6)
}

/// A line of `/proc/self/status`, in KiB.
fn status(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).ok_or("status")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Answers every request at `/<n>` with that many pictures, in chunks that are written as fast as they are taken.
fn serve() -> Result<String> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\x12\x16\xf1\x4d".to_vec();
    let mut noise = 1u64;
    png.resize_with(PICTURE, || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise as u8
    });
    let base64 = Arc::new(STANDARD.encode(png));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let base64 = base64.clone();
            std::thread::spawn(move || while answer(&socket, &base64).unwrap_or(false) {});
        }
    });
    Ok(url)
}

/// Answers one request; whether there may be another.
fn answer(mut socket: &TcpStream, base64: &str) -> std::io::Result<bool> {
    let mut reader = BufReader::with_capacity(512, socket);
    let (mut line, mut pictures, mut length) = (String::new(), 0, 0);
    while reader.read_line(&mut line)? > 0 {
        if let Some(path) = line.strip_prefix("POST /") {
            pictures = path.split(['/', ' ']).next().and_then(|count| count.parse().ok()).unwrap_or(0);
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            reader.read_exact(&mut vec![0; length])?;
            let (open, close) = ("{\"b64_json\":\"", "\",\"size\":\"3x2\"}");
            let (head, tail) = ("{\"created\":1763668800,\"data\":[", "],\"usage\":{}}");
            let item = open.len() + base64.len() + close.len();
            let length = head.len() + tail.len() + pictures * item + pictures.saturating_sub(1);
            write!(
                socket,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{head}"
            )?;
            for number in 0..pictures {
                let comma = if number > 0 { "," } else { "" };
                for part in [comma, open, base64, close] {
                    socket.write_all(part.as_bytes())?;
                }
            }
            socket.write_all(tail.as_bytes())?;
            return Ok(true);
        }
        line.clear();
    }
    Ok(false)
}
