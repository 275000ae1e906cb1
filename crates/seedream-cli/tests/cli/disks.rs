//! Disks that fill up or go read-only, and systems that give no descriptor, thread or file: what is bought is found again, and nothing
//! more is bought.
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
    scripted::{Act, Asked, Scripted, sha256},
    support::{CANARY, Place, Ran},
};

const ENV: [(&str, &str); 1] = [("ARK_API_KEY", CANARY)];

/// How many bytes an image has.
const BYTES: usize = 100_000;

/// How several images are asked for: by requests of one, and by one request.
const ASKED: [[&str; 2]; 2] = [["--exactly", "10"], ["--count", "15"]];

/// A disk of its own, which goes with the test.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this system mounts nothing for this user, which is printed.
    fn new(place: &Place, kib: u32) -> Option<Self> {
        let out = place.path("out");
        fs::create_dir(&out).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]).arg(&out).output();
        Self::of(out, mounted.is_ok_and(|output| output.status.success()))
    }

    /// One that an error makes read-only, with the file that makes the error.
    fn failing(place: &Place) -> Option<(Self, PathBuf)> {
        let (out, image) = (place.path("out"), place.path("disk.img"));
        fs::create_dir(&out).unwrap();
        let script = r#"truncate -s 32M "$1" && mkfs.ext4 -q "$1" && mount -o loop,errors=remount-ro "$1" "$2" && findmnt -no SOURCE "$2""#;
        let mounted = Command::new("/bin/sh").args(["-c", script, "sh"]).args([&image, &out]).output().unwrap();
        let source = String::from_utf8(mounted.stdout).unwrap();
        let disk = Self::of(out, mounted.status.success())?;
        let device = source.trim().rsplit('/').next().unwrap();
        let trigger = Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error");
        if !trigger.exists() {
            eprintln!("not run: this kernel makes no errors of a file system on demand");
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

    /// Makes room on it.
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

/// `generate`, started by a shell that limits it first. What has no place goes to a folder that the test looks into.
fn generate(place: &Place, server: &Scripted, limit: &str, asked: &[&str], inline: bool) -> Command {
    let base = server.base("ark");
    fs::create_dir_all(place.path("tmp")).unwrap();
    let mut command = Command::new("/bin/sh");
    let script = format!("{limit} exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_seedream"), "generate", "images of a fox", "--provider", "ark"]);
    command.args(["--base-url", &base]).args(asked).args(inline.then_some("--inline"));
    command.env_clear().envs(ENV).env("TMPDIR", place.path("tmp")).current_dir(place.path("."));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What is in a folder and those below it.
fn all(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all(&path)) } else { found.push(fs::read(path).unwrap()) }
    }
    found
}

/// Every image that was billed is in a file, or in the record, or its URL is; and the run says what happened.
#[track_caller]
fn lost_nothing(place: &Place, server: &Scripted, ran: &Ran, what: &str) {
    assert!(!ran.stderr.contains("panicked"), "{what}: {ran:#?}");
    assert!([1, 2, 3, 7].contains(&ran.code), "{what}: {ran:#?}");
    if server.posts() > 0 {
        assert_ne!(ran.code, 2, "{what}: {ran:#?}");
        assert!(!server.images().is_empty());
    }
    let kept: Vec<_> = [all(&place.path("out")), all(&place.path("tmp"))].concat();
    let hashes: BTreeSet<_> = kept.iter().map(|bytes| sha256(bytes)).collect();
    let texts: Vec<_> = kept.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok()).collect();
    for (index, image) in server.images().iter().enumerate() {
        let named = [Scripted::name(index), STANDARD.encode(&**image)];
        let is_kept = hashes.contains(&sha256(image))
            || texts.iter().any(|text| named.iter().any(|name| text.contains(name.as_str())));
        assert!(is_kept, "{what}: image {index} is lost: {:?} {:?} {ran:#?}", place.names("out"), place.names("tmp"));
    }
}

/// What is kept in the second place is told of.
#[track_caller]
fn told(place: &Place, ran: &Ran, what: &str) {
    for name in place.names("tmp") {
        assert!(ran.stderr.contains(&name), "{what}: {name} is not told of: {ran:#?}");
    }
}

/// Nothing was bought after the first image that could not be kept: four requests may be under way then.
#[track_caller]
fn stopped(place: &Place, server: &Scripted, what: &str) {
    let saved = place.names("out").iter().filter(|name| name.ends_with(".png")).count();
    assert!(server.posts() <= saved + 4 && server.posts() < 10, "{what}: {} requests, {saved} saved", server.posts());
}

#[test]
fn a_disk_that_is_full_beforehand_buys_nothing() {
    for asked in ASKED {
        for inline in [false, true] {
            let (place, server) = (Place::new(), Scripted::start(BYTES));
            let Some(_disk) = Disk::new(&place, 32) else { return };
            let ran = Ran::of(generate(&place, &server, "", &asked, inline).output().unwrap());
            ran.ends(2).says("no record can be written to the folder out").says("nothing was sent");
            assert_eq!((server.posts(), place.names("out").len()), (0, 0));
            lost_nothing(&place, &server, &ran, "full");
        }
    }
}

#[test]
fn a_disk_that_fills_up_loses_nothing_and_what_is_left_is_collected_once_there_is_room() {
    for asked in ASKED {
        for inline in [false, true] {
            for kib in [300, 700] {
                let what = format!("{asked:?} inline: {inline} {kib} KiB");
                let (place, server) = (Place::new(), Scripted::start(BYTES));
                let Some(disk) = Disk::new(&place, kib) else { return };
                let ran = Ran::of(generate(&place, &server, "", &asked, inline).output().unwrap());
                assert!(server.posts() > 0 && ran.code != 0, "{what}: {ran:#?}");
                lost_nothing(&place, &server, &ran, &what);
                stopped(&place, &server, &what);
                told(&place, &ran, &what);
                if inline {
                    continue;
                }
                // There is still no room.
                let posts = server.posts();
                let resume = || {
                    let (base, tmp) = (server.base("ark"), place.path("tmp"));
                    let mut command = place.command(&["resume", "out", "--base-url", &base], &ENV);
                    Ran::of(command.env("TMPDIR", tmp).output().unwrap())
                };
                let ran = resume();
                assert!(ran.code != 0, "{what}: {ran:#?}");
                lost_nothing(&place, &server, &ran, &what);
                disk.grow();
                let ran = resume();
                ran.ends(0);
                let hashes: BTreeSet<_> = all(&place.path("out")).iter().map(|bytes| sha256(bytes)).collect();
                assert!(server.hashes().iter().all(|hash| hashes.contains(hash)), "{what}: {ran:#?}");
                assert!(place.names("out").iter().all(|name| !name.ends_with(".jsonl")), "{:?}", place.names("out"));
                assert_eq!(server.posts(), posts);
            }
        }
    }
}

#[test]
fn a_disk_that_goes_read_only_loses_nothing() {
    for asked in ASKED {
        for inline in [false, true] {
            for after in [Asked::Post(1), Asked::Image(0)] {
                if inline && after != Asked::Post(1) {
                    continue;
                }
                let what = format!("{asked:?} inline: {inline} after {after:?}");
                let (place, server) = (Place::new(), Scripted::start(BYTES));
                let Some((_disk, trigger)) = Disk::failing(&place) else { return };
                server.rule(move |asked| if asked == after { Act::Hold } else { Act::Serve });
                let child = generate(&place, &server, "", &asked, inline).spawn().unwrap();
                let held = server.held();
                fs::write(trigger, "1").unwrap();
                held.serve();
                let ran = Ran::of(child.wait_with_output().unwrap());
                assert_ne!(ran.code, 0, "{what}: {ran:#?}");
                lost_nothing(&place, &server, &ran, &what);
                told(&place, &ran, &what);
            }
        }
    }
}

#[test]
fn a_store_that_fails_between_two_attempts_ends_the_purchase_and_not_by_saying_that_nothing_was_sent() {
    let (place, server) = (Place::new(), Scripted::start(BYTES));
    let Some((_disk, trigger)) = Disk::failing(&place) else { return };
    server.rule(|_| Act::Hold);
    let child = generate(&place, &server, "", &[], false).spawn().unwrap();
    let held = server.held();
    fs::write(trigger, "1").unwrap();
    server.rule(|_| Act::Serve);
    held.refuse(429);
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert!(!ran.stderr.contains("nothing was sent"), "{ran:#?}");
    ran.ends(1).says("cannot be written");
    assert_eq!((server.posts(), server.images().len()), (1, 0));
}

#[test]
fn a_system_without_descriptors_loses_nothing() {
    for asked in ASKED {
        for inline in [false, true] {
            for descriptors in [12, 14, 16, 18, 20, 24] {
                let what = format!("{asked:?} inline: {inline} {descriptors} descriptors");
                let (place, server) = (Place::new(), Scripted::start(BYTES));
                fs::create_dir(place.path("out")).unwrap();
                let limit = format!("ulimit -n {descriptors};");
                let ran = Ran::of(generate(&place, &server, &limit, &asked, inline).output().unwrap());
                if ran.code != 0 {
                    lost_or_network(&place, &server, &ran, &what);
                }
            }
        }
    }
}

/// As [`lost_nothing`], where even a connection may be refused by the system.
#[track_caller]
fn lost_or_network(place: &Place, server: &Scripted, ran: &Ran, what: &str) {
    let code = if ran.code == 9 { 1 } else { ran.code };
    let ran = Ran { code, stdout: ran.stdout.clone(), stderr: ran.stderr.clone() };
    if server.posts() == 0 {
        assert!(!ran.stderr.contains("panicked"), "{what}: {ran:#?}");
        return;
    }
    lost_nothing(place, server, &ran, what);
    told(place, &ran, what);
}

#[test]
fn a_file_that_may_not_grow_loses_nothing() {
    for asked in ASKED {
        for inline in [false, true] {
            for kib in [32, 64, 72, 96] {
                let what = format!("{asked:?} inline: {inline} {kib} KiB a file");
                let (place, server) = (Place::new(), Scripted::start(BYTES));
                fs::create_dir(place.path("out")).unwrap();
                // A shell counts in blocks of 512 bytes. Nothing can be written anywhere else either.
                let limit = format!("ulimit -f {};", kib * 2);
                let ran = Ran::of(generate(&place, &server, &limit, &asked, inline).output().unwrap());
                assert!(!ran.stderr.contains("panicked"), "{what}: {ran:#?}");
                if kib == 32 {
                    ran.ends(2);
                    assert_eq!(server.posts(), 0);
                    continue;
                }
                assert!([1, 3, 7].contains(&ran.code) && server.posts() > 0, "{what}: {ran:#?}");
                stopped(&place, &server, &what);
                if inline {
                    // No file of this process holds an image.
                    continue;
                }
                lost_nothing(&place, &server, &ran, &what);
            }
        }
    }
}

#[test]
fn a_system_that_starts_no_thread_loses_nothing() {
    // The limit does not bind root, and others must reach the program.
    const NOBODY: u32 = 54_321;
    for asked in ASKED {
        for inline in [false, true] {
            for threads in 1..7 {
                let what = format!("{asked:?} inline: {inline} {threads} threads");
                let (place, server) = (Place::new(), Scripted::start(BYTES));
                let mut command = generate(&place, &server, &format!("ulimit -p {threads};"), &asked, inline);
                fs::create_dir(place.path("out")).unwrap();
                let open = fs::Permissions::from_mode(0o777);
                for folder in [".", "out", "tmp"] {
                    fs::set_permissions(place.path(folder), open.clone()).unwrap();
                }
                command.uid(NOBODY + threads);
                let output = match command.output() {
                    Ok(output) if output.status.code() != Some(126) => output,
                    failed => return eprintln!("not run: another user cannot run the program: {failed:?}"),
                };
                let ran = Ran::of(output);
                if ran.code != 0 {
                    lost_or_network(&place, &server, &ran, &what);
                }
            }
        }
    }
}
