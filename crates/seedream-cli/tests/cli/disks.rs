//! Full and read-only disks, and limits on files, descriptors and threads: no paid image is lost, and sending stops.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "a test says why it did not run")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    scripted_server::{Act, Asked, Scripted, sha256},
    support::{CANARY, RunResult, Workdir},
};

const ENV: [(&str, &str); 1] = [("ARK_API_KEY", CANARY)];

/// The size of an image in bytes.
const BYTES: usize = 100_000;

/// Flags for several images: single-image requests, and one request.
const ASKED: [[&str; 2]; 2] = [["--exactly", "10"], ["--count", "15"]];

/// A temporary disk, unmounted on drop.
struct Disk(PathBuf);

impl Disk {
    /// Mounts a disk; `None`, with a message, if the user may not mount.
    fn new(workdir: &Workdir, kib: u32) -> Option<Self> {
        let out = workdir.path("out");
        fs::create_dir(&out).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]).arg(&out).output();
        Self::of(out, mounted.is_ok_and(|output| output.status.success()))
    }

    /// A disk that an error makes read-only, and the file that triggers the error.
    fn failing(workdir: &Workdir) -> Option<(Self, PathBuf)> {
        let (out, image) = (workdir.path("out"), workdir.path("disk.img"));
        fs::create_dir(&out).unwrap();
        let script = r#"truncate -s 32M "$1" && mkfs.ext4 -q "$1" && mount -o loop,errors=remount-ro "$1" "$2" && findmnt -no SOURCE "$2""#;
        let mounted = Command::new("/bin/sh").args(["-c", script, "sh"]).args([&image, &out]).output().unwrap();
        let source = String::from_utf8(mounted.stdout).unwrap();
        let disk = Self::of(out, mounted.status.success())?;
        let device = source.trim().rsplit('/').next().unwrap();
        let trigger = Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error");
        if !trigger.exists() {
            eprintln!("not run: this kernel cannot trigger a file system error");
            return None;
        }
        Some((disk, trigger))
    }

    fn of(out: PathBuf, is_mounted: bool) -> Option<Self> {
        if !is_mounted {
            eprintln!("not run: this user may not mount a disk");
        }
        is_mounted.then_some(Self(out))
    }

    /// Enlarges the disk.
    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status().unwrap();
        assert!(grown.success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// `generate`, started by a shell that sets a limit first. The test also checks its temporary folder.
fn generate(workdir: &Workdir, server: &Scripted, limit: &str, asked: &[&str], inline: bool) -> Command {
    let base = server.base("ark");
    fs::create_dir_all(workdir.path("tmp")).unwrap();
    let mut command = Command::new("/bin/sh");
    let script = format!("{limit} exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_seedream"), "generate", "images of a fox", "--provider", "ark"]);
    command.args(["--base-url", &base]).args(asked).args(inline.then_some("--inline"));
    command.env_clear().envs(ENV).env("TMPDIR", workdir.path("tmp")).current_dir(workdir.path("."));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The contents of all files below a folder.
fn all(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all(&path)) } else { found.push(fs::read(path).unwrap()) }
    }
    found
}

/// Checks that each billed image, or its URL, is in a file or in the record, and that the exit code reports the failure.
#[track_caller]
fn lost_nothing(workdir: &Workdir, server: &Scripted, ran: &RunResult, what: &str) {
    assert!(!ran.stderr.contains("panicked"), "{what}: {ran:#?}");
    assert!([1, 2, 3, 7].contains(&ran.code), "{what}: {ran:#?}");
    if server.posts() > 0 {
        assert_ne!(ran.code, 2, "{what}: {ran:#?}");
        assert!(!server.images().is_empty());
    }
    let kept: Vec<_> = [all(&workdir.path("out")), all(&workdir.path("tmp"))].concat();
    let hashes: BTreeSet<_> = kept.iter().map(|bytes| sha256(bytes)).collect();
    let texts: Vec<_> = kept.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok()).collect();
    for (index, image) in server.images().iter().enumerate() {
        let named = [Scripted::name(index), STANDARD.encode(&**image)];
        let is_kept = hashes.contains(&sha256(image))
            || texts.iter().any(|text| named.iter().any(|name| text.contains(name.as_str())));
        assert!(
            is_kept,
            "{what}: image {index} is lost: {:?} {:?} {ran:#?}",
            workdir.names("out"),
            workdir.names("tmp")
        );
    }
}

/// Checks that the files in the temporary folder are named.
#[track_caller]
fn kept_files_are_named(workdir: &Workdir, ran: &RunResult, what: &str) {
    for name in workdir.names("tmp") {
        assert!(ran.stderr.contains(&name), "{what}: {name} is not named: {ran:#?}");
    }
}

/// Checks that sending stopped after the first image that could not be saved. Four requests may be in flight then.
#[track_caller]
fn stopped(workdir: &Workdir, server: &Scripted, what: &str) {
    let saved = workdir.names("out").iter().filter(|name| name.ends_with(".png")).count();
    assert!(server.posts() <= saved + 4 && server.posts() < 10, "{what}: {} requests, {saved} saved", server.posts());
}

#[test]
fn a_full_disk_prevents_sending() {
    for asked in ASKED {
        for inline in [false, true] {
            let (workdir, server) = (Workdir::new(), Scripted::start(BYTES));
            let Some(_disk) = Disk::new(&workdir, 32) else { return };
            let ran = RunResult::of(generate(&workdir, &server, "", &asked, inline).output().unwrap());
            ran.exits_with(2)
                .stderr_contains("no record can be written to the folder out")
                .stderr_contains("nothing was sent");
            assert_eq!((server.posts(), workdir.names("out").len()), (0, 0));
            lost_nothing(&workdir, &server, &ran, "full");
        }
    }
}

#[test]
fn a_disk_that_fills_up_loses_no_image_and_resume_fetches_the_rest() {
    for asked in ASKED {
        for inline in [false, true] {
            for kib in [300, 700] {
                let what = format!("{asked:?} inline: {inline} {kib} KiB");
                let (workdir, server) = (Workdir::new(), Scripted::start(BYTES));
                let Some(disk) = Disk::new(&workdir, kib) else { return };
                let ran = RunResult::of(generate(&workdir, &server, "", &asked, inline).output().unwrap());
                assert!(server.posts() > 0 && ran.code != 0, "{what}: {ran:#?}");
                lost_nothing(&workdir, &server, &ran, &what);
                stopped(&workdir, &server, &what);
                kept_files_are_named(&workdir, &ran, &what);
                // What was bought may have fitted, and the next request was not sent.
                let is_open = workdir.names("out").iter().any(|name| name.ends_with(".jsonl"));
                if inline || !is_open {
                    continue;
                }
                // The disk is still full.
                let posts = server.posts();
                let resume = || {
                    let (base, tmp) = (server.base("ark"), workdir.path("tmp"));
                    let mut command = workdir.command(&["resume", "out", "--base-url", &base], &ENV);
                    RunResult::of(command.env("TMPDIR", tmp).output().unwrap())
                };
                let ran = resume();
                assert!(ran.code != 0, "{what}: {ran:#?}");
                lost_nothing(&workdir, &server, &ran, &what);
                disk.grow();
                let ran = resume();
                ran.exits_with(0);
                let hashes: BTreeSet<_> = all(&workdir.path("out")).iter().map(|bytes| sha256(bytes)).collect();
                assert!(server.hashes().iter().all(|hash| hashes.contains(hash)), "{what}: {ran:#?}");
                assert!(
                    workdir.names("out").iter().all(|name| !name.ends_with(".jsonl")),
                    "{:?}",
                    workdir.names("out")
                );
                assert_eq!(server.posts(), posts);
            }
        }
    }
}

#[test]
fn a_disk_that_becomes_read_only_loses_no_image() {
    for asked in ASKED {
        for inline in [false, true] {
            for after in [Asked::Post(1), Asked::Image(0)] {
                if inline && after != Asked::Post(1) {
                    continue;
                }
                let what = format!("{asked:?} inline: {inline} after {after:?}");
                let (workdir, server) = (Workdir::new(), Scripted::start(BYTES));
                let Some((_disk, trigger)) = Disk::failing(&workdir) else { return };
                server.rule(move |asked| if asked == after { Act::Hold } else { Act::Serve });
                let child = generate(&workdir, &server, "", &asked, inline).spawn().unwrap();
                let held = server.held();
                fs::write(trigger, "1").unwrap();
                held.serve();
                let ran = RunResult::of(child.wait_with_output().unwrap());
                assert_ne!(ran.code, 0, "{what}: {ran:#?}");
                lost_nothing(&workdir, &server, &ran, &what);
                kept_files_are_named(&workdir, &ran, &what);
            }
        }
    }
}

#[test]
fn a_store_failure_between_attempts_ends_the_purchase() {
    let (workdir, server) = (Workdir::new(), Scripted::start(BYTES));
    let Some((_disk, trigger)) = Disk::failing(&workdir) else { return };
    server.rule(|_| Act::Hold);
    let child = generate(&workdir, &server, "", &[], false).spawn().unwrap();
    let held = server.held();
    fs::write(trigger, "1").unwrap();
    server.rule(|_| Act::Serve);
    held.refuse(429);
    let ran = RunResult::of(child.wait_with_output().unwrap());
    assert!(!ran.stderr.contains("nothing was sent"), "{ran:#?}");
    ran.exits_with(1).stderr_contains("cannot be written");
    assert_eq!((server.posts(), server.images().len()), (1, 0));
}

#[test]
fn a_limit_on_open_files_loses_no_image() {
    for asked in ASKED {
        for inline in [false, true] {
            for descriptors in [12, 14, 16, 18, 20, 24] {
                let what = format!("{asked:?} inline: {inline} {descriptors} descriptors");
                let (workdir, server) = (Workdir::new(), Scripted::start(BYTES));
                fs::create_dir(workdir.path("out")).unwrap();
                let limit = format!("ulimit -n {descriptors};");
                let ran = RunResult::of(generate(&workdir, &server, &limit, &asked, inline).output().unwrap());
                if ran.code != 0 {
                    lost_or_network(&workdir, &server, &ran, &what);
                }
            }
        }
    }
}

/// As [`lost_nothing`], but the system may also refuse a connection.
#[track_caller]
fn lost_or_network(workdir: &Workdir, server: &Scripted, ran: &RunResult, what: &str) {
    let code = if ran.code == 9 { 1 } else { ran.code };
    let ran = RunResult { code, stdout: ran.stdout.clone(), stderr: ran.stderr.clone() };
    if server.posts() == 0 {
        assert!(!ran.stderr.contains("panicked"), "{what}: {ran:#?}");
        return;
    }
    lost_nothing(workdir, server, &ran, what);
    kept_files_are_named(workdir, &ran, what);
}

#[test]
fn a_file_size_limit_loses_no_image() {
    for asked in ASKED {
        for inline in [false, true] {
            for kib in [32, 64, 72, 96] {
                let what = format!("{asked:?} inline: {inline} {kib} KiB a file");
                let (workdir, server) = (Workdir::new(), Scripted::start(BYTES));
                fs::create_dir(workdir.path("out")).unwrap();
                // The unit of `ulimit -f` is 512 bytes. The temporary folder has the same limit.
                let limit = format!("ulimit -f {};", kib * 2);
                let ran = RunResult::of(generate(&workdir, &server, &limit, &asked, inline).output().unwrap());
                assert!(!ran.stderr.contains("panicked"), "{what}: {ran:#?}");
                if kib == 32 {
                    ran.exits_with(2);
                    assert_eq!(server.posts(), 0);
                    continue;
                }
                assert!([1, 3, 7].contains(&ran.code) && server.posts() > 0, "{what}: {ran:#?}");
                stopped(&workdir, &server, &what);
                if inline {
                    // No file can hold an image.
                    continue;
                }
                lost_nothing(&workdir, &server, &ran, &what);
            }
        }
    }
}

#[test]
fn a_limit_on_threads_loses_no_image() {
    // The limit does not apply to root, and other users must be able to run the program.
    const NOBODY: u32 = 54_321;
    for asked in ASKED {
        for inline in [false, true] {
            for threads in 1..7 {
                let what = format!("{asked:?} inline: {inline} {threads} threads");
                let (workdir, server) = (Workdir::new(), Scripted::start(BYTES));
                let mut command = generate(&workdir, &server, &format!("ulimit -p {threads};"), &asked, inline);
                fs::create_dir(workdir.path("out")).unwrap();
                let open = fs::Permissions::from_mode(0o777);
                for folder in [".", "out", "tmp"] {
                    fs::set_permissions(workdir.path(folder), open.clone()).unwrap();
                }
                command.uid(NOBODY + threads);
                let output = match command.output() {
                    Ok(output) if output.status.code() != Some(126) => output,
                    failed => return eprintln!("not run: another user cannot run the program: {failed:?}"),
                };
                let ran = RunResult::of(output);
                if ran.code != 0 {
                    lost_or_network(&workdir, &server, &ran, &what);
                }
            }
        }
    }
}
