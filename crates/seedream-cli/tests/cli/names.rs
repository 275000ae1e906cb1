//! `--name` and `--print-paths`.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::support::{CANARY, Workdir, opens, read_request, response};

const PNG: &[u8] = include_bytes!("../../../seedream-client/tests/client/tiny.png");

#[test]
fn images_have_the_names_that_are_asked_for_and_replace_nothing() {
    let workdir = Workdir::new();
    let generate = |prompt: &str, name: &str| {
        let ran = workdir.run(&["generate", prompt, "--provider", "ark", "--mock", "--name", name, "--json"], &[]);
        opens(&workdir.path(""), &ran.exits_with(0).result()["images"][0]);
    };
    generate("A kite over dunes", "{slug}-{index}");
    generate("A kite: over dunes!", "{slug}-{index}");
    generate("海边的灯塔，雾中", "{provider} {slug}");
    generate("../../../etc/passwd", "{slug}.{seed}");
    generate(&"灯塔".repeat(400), "{index}-{slug}-{slug}-{slug}");
    let names = workdir.names("out");
    let images: Vec<_> = names.iter().filter(|name| !name.ends_with(".json")).map(String::as_str).collect();
    // The index stays, and the rest is cut where it is too long for a disk.
    let long = format!("0-{}.jpg", "灯塔".repeat(5) + "灯");
    assert_eq!(
        images,
        [
            &long,
            "a-kite-over-dunes-0.jpg",
            "a-kite-over-dunes-1.jpg",
            "ark_海边的灯塔-雾中-0.jpg",
            "etc-passwd.none-0.jpg"
        ]
    );
    assert_eq!(names.len(), 2 * images.len(), "each has its metadata");
}

#[test]
fn a_name_that_is_not_valid_is_refused_with_the_placeholders() {
    let workdir = Workdir::new();
    for (name, told) in [
        (
            "{prompt}",
            "{prompt} is not known; the placeholders are {provider}, {model}, {slug}, {seed}, {date}, {id}, {index}",
        ),
        ("../{slug}", "'/' cannot stand in the name of a file on every system, and the folder is named by --out"),
    ] {
        workdir.run(&["generate", "x", "--mock", "--name", name], &[]).exits_with(2).stderr_contains(told);
    }
    let bucket = ["generate", "x", "--mock", "--name", "{slug}", "--out", "s3://bucket/x"];
    workdir.run(&bucket, &[]).exits_with(2).stderr_contains("--name applies to a folder");
    assert_eq!(workdir.names("."), [""; 0]);
}

#[test]
fn lines_of_a_batch_are_named_by_their_id_or_as_is_asked_for() {
    let workdir = Workdir::new();
    let long = "a".repeat(300);
    fs::write(workdir.path("jobs.jsonl"), format!("{{\"id\":\"{long}\",\"prompt\":\"a kite\"}}\n")).unwrap();
    let batch = ["batch", "jobs.jsonl", "--provider", "ark", "--mock"];
    workdir.run(&batch, &[]).exits_with(0);
    assert_eq!(workdir.names("out"), ["jpg", "json"].map(|ending| format!("{}-0.{ending}", "a".repeat(109))));
    let named = ["--ledger", "other.ledger", "--out", "named", "--name", "{id}-{slug}"];
    workdir.run(&[&batch[..], &named].concat(), &[]).exits_with(0);
    assert_eq!(workdir.names("named")[0], format!("{}-a-kite-0.jpg", "a".repeat(60)));
}

/// An image that could not be fetched has the same name once it is.
#[test]
fn a_resumed_job_names_its_images_as_was_asked_for() {
    let workdir = Workdir::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let base = format!("{origin}/api/v3");
    let is_there = Arc::new(AtomicBool::new(false));
    let served = is_there.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let request = read_request(&mut stream);
            if request.is_object() {
                response(&stream, &format!(r#"{{"created":1,"data":[{{"url":"{origin}/0.png"}}]}}"#));
            } else if served.load(Ordering::SeqCst) {
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", PNG.len());
                stream.write_all(&[head.as_bytes(), PNG].concat()).unwrap();
            } else {
                drop(stream.write_all(b"HTTP/1.1 410 Gone\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
            }
        }
    });
    let args = ["generate", "a kite", "--provider", "ark", "--base-url", &base, "--name", "{slug}"];
    workdir.run(&args, &[("ARK_API_KEY", CANARY)]).exits_with(3);
    assert_eq!(workdir.names("out"), ["a-kite-0.json"]);
    is_there.store(true, Ordering::SeqCst);
    let resume = ["resume", "out", "--base-url", &base, "--print-paths"];
    let ran = workdir.run(&resume, &[("ARK_API_KEY", CANARY)]);
    assert_eq!(ran.exits_with(0).stdout, "out/a-kite-1.png\n");
}

#[test]
fn paths_are_printed_one_a_line_and_nothing_else() {
    let workdir = Workdir::new();
    let args = ["generate", "2 images of a kite", "--provider", "ark,opeai", "--count", "2", "--mock", "--print-paths"];
    let ran = workdir.run(&args, &[]);
    let lines: Vec<_> = ran.exits_with(0).stdout.lines().collect();
    assert_eq!(lines, ["out/ark-0.jpg", "out/ark-1.jpg", "out/opeai-0.jpg", "out/opeai-1.jpg"]);
    assert!(lines.iter().all(|path| workdir.path(path).is_file()));
    // Where nothing is saved there is nothing.
    let refused = ["generate", "x", "--provider", "gogogotoken", "--size", "1024x1024", "--mock", "--print-paths"];
    assert_eq!(workdir.run(&refused, &[]).exits_with(2).stdout.trim(), "");
}
