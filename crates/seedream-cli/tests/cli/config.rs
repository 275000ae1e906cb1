//! Configuration files: which value counts, what a file of a project may not say, and what is never printed.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    thread::JoinHandle,
};

use serde_json::Value;

use crate::support::{CANARY, RunResult, Upstream, Workdir};

/// Writes a file that only its owner can read.
fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn setting(ran: &RunResult, name: &str) -> (String, String) {
    let json = ran.exits_with(0).json();
    let settings = json["settings"].as_array().unwrap();
    let found =
        settings.iter().find(|setting| setting["setting"] == name).unwrap_or_else(|| panic!("{name}: {json:#}"));
    let text = |member: &str| found[member].as_str().unwrap_or_default().to_owned();
    (text("value"), text("from"))
}

const USER: &str = "provider = 'opeai'\nmodel = 'user'\nsize = '1K'\nout = 'user'\nname = 'user'\nproxy = 'http://user:1'\nca_cert = 'user.pem'\n[providers.ark]\nmodel = 'ark-user'\nbase_url = 'https://user.example/api/v3'\nkey = 'sk-canary-0123456789'\n";
const PROFILE: &str = "[profiles.work]\nprovider = 'aiearth'\nmodel = 'profile'\nsize = '2K'\nout = 'profile'\nname = 'profile'\nproxy = 'http://profile:1'\nca_cert = 'profile.pem'\n[profiles.work.providers.ark]\nmodel = 'ark-profile'\nbase_url = 'https://profile.example/api/v3'\nkey_command = ['false']\n";
const PROJECT: &str = "provider = 'evolink'\nmodel = 'project'\nsize = '3K'\nout = 'project'\nname = 'project'\n";

/// Each source over those after it: flag, variable, profile, file of the project, file of the user, default.
#[test]
fn each_setting_comes_from_the_first_source_that_has_it() {
    let (workdir, own) = (Workdir::new(), Workdir::new());
    let file = own.path("config.toml");
    let at = |line: usize| format!("{}:{line}", file.display());
    let profile = |line: usize| format!("{}:{line} (profile work)", file.display());
    let path = file.display().to_string();
    let config = ("SEEDREAM_CONFIG", path.as_str());
    let show = |flags: &[&str], env: &[(&str, &str)]| {
        let args = [&["config", "show", "--json"], flags].concat();
        workdir.run(&args, &[&[config], env].concat())
    };
    let check = |ran: &RunResult, name: &str, value: &str, from: &str| {
        assert_eq!(setting(ran, name), (value.to_owned(), from.to_owned()), "{name}");
    };
    write(&file, "");
    let ran = show(&[], &[]);
    for name in ["provider", "model", "size", "proxy", "ca_cert"] {
        check(&ran, name, "", "default");
    }
    check(&ran, "out", "out", "default");
    check(&ran, "name", "{provider}-{index}", "default");
    check(&ran, "providers.ark.base_url", "https://ark.cn-beijing.volces.com/api/v3", "default");
    check(&ran, "providers.ark.model", "doubao-seedream-4-0-250828", "default");
    check(&ran, "providers.ark.key", "", "not set: ARK_API_KEY");

    let text = format!("{USER}{PROFILE}");
    write(&file, &text);
    let ran = show(&[], &[]);
    for (line, (name, value)) in (1..).zip([
        ("provider", "opeai"),
        ("model", "user"),
        ("size", "1K"),
        ("out", "user"),
        ("name", "user"),
        ("proxy", "http://user:1"),
    ]) {
        check(&ran, name, value, &at(line));
    }
    check(&ran, "ca_cert", &own.path("user.pem").display().to_string(), &at(7));
    check(&ran, "providers.ark.model", "ark-user", &at(9));
    check(&ran, "providers.opeai.model", "user", &at(2));
    check(&ran, "providers.ark.base_url", "https://user.example/api/v3", &at(10));
    check(&ran, "providers.ark.key", "set", &at(11));

    fs::write(workdir.path(".seedream.toml"), PROJECT).unwrap();
    let ran = show(&[], &[]);
    for (line, (name, value)) in (1..).zip([
        ("provider", "evolink"),
        ("model", "project"),
        ("size", "3K"),
        ("out", "project"),
        ("name", "project"),
    ]) {
        let from = format!(".seedream.toml:{line}");
        assert_eq!(setting(&ran, name).1, from);
        assert!(setting(&ran, name).0.ends_with(value), "{name}");
    }
    check(&ran, "proxy", "http://user:1", &at(6));
    // The model for all of a nearer source stands before that of a provider.
    check(&ran, "providers.ark.model", "project", ".seedream.toml:2");

    for (flags, env) in [(&["--config-profile", "work"][..], &[][..]), (&[], &[("SEEDREAM_CONFIG_PROFILE", "work")])] {
        let ran = show(flags, env);
        for (line, (name, value)) in (13..).zip([
            ("provider", "aiearth"),
            ("model", "profile"),
            ("size", "2K"),
            ("out", "profile"),
            ("name", "profile"),
            ("proxy", "http://profile:1"),
        ]) {
            check(&ran, name, value, &profile(line));
        }
        check(&ran, "ca_cert", &own.path("profile.pem").display().to_string(), &profile(19));
        check(&ran, "providers.ark.model", "ark-profile", &profile(21));
        check(&ran, "providers.ark.base_url", "https://profile.example/api/v3", &profile(22));
        check(&ran, "providers.ark.key", "set by key_command", &profile(23));
    }

    let env = [
        ("SEEDREAM_PROVIDER", "gogogotoken,ark"),
        ("SEEDREAM_MODEL", "variable"),
        ("SEEDREAM_SIZE", "16:9"),
        ("SEEDREAM_OUT", "variable"),
        ("SEEDREAM_NAME", "variable"),
        ("HTTPS_PROXY", "http://variable:1"),
        ("SSL_CERT_FILE", "variable.pem"),
        ("ARK_BASE_URL", "https://variable.example/api/v3"),
        ("ARK_API_KEY", CANARY),
        ("SEEDREAM_CONFIG_PROFILE", "work"),
    ];
    let names =
        ["provider", "model", "size", "out", "name", "proxy", "ca_cert", "providers.ark.base_url", "providers.ark.key"];
    let ran = show(&[], &env);
    for (name, (variable, value)) in names.into_iter().zip(env) {
        check(&ran, name, if name.ends_with("key") { "set" } else { value }, variable);
    }
    check(&ran, "providers.ark.model", "variable", "SEEDREAM_MODEL");

    let flags = ["--provider", "ark", "--model", "flag", "--size", "4K", "--out", "flag", "--name", "flag"];
    let flags = [&flags[..], &["--proxy", "http://u:s3cret@flag:1", "--ca-cert", "flag.pem"]].concat();
    let ran = show(&flags, &env);
    for pair in flags.chunks(2) {
        let value = pair[1].replace("u:s3cret@", "");
        check(&ran, &pair[0][2..].replace('-', "_"), &value, pair[0]);
    }
    let shown = workdir.run(&["config", "show"], &[&[config][..], &env].concat());
    assert!(shown.exits_with(0).stdout.contains("file: .seedream.toml\n"), "{shown:#?}");
}

/// One request to a server that answers with an error: what its head was.
fn one_request() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/api/v3", listener.local_addr().unwrap());
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0);
        }
        write!(stream, "HTTP/1.1 401 X\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}").unwrap();
        head
    };
    (base, std::thread::spawn(serve))
}

#[cfg(unix)]
#[test]
fn a_key_comes_from_the_file_or_its_command_and_is_not_printed() {
    let workdir = Workdir::new();
    let file = workdir.path("own.toml");
    let path = file.display().to_string();
    let env = [("SEEDREAM_CONFIG", path.as_str())];
    fs::write(workdir.path("key.txt"), format!("{CANARY}\nuser: me\n")).unwrap();
    for source in [format!("key = '{CANARY}'"), "key_command = ['/bin/cat', 'key.txt']".to_owned()] {
        let (base, server) = one_request();
        write(&file, &format!("provider = 'ark'\n[providers.ark]\nbase_url = '{base}'\n{source}\n"));
        workdir.run(&["-v", "generate", "x"], &env).exits_with(5);
        let head = server.join().unwrap();
        assert!(head.contains(&format!("Bearer {CANARY}")), "{head}");
    }
    // The environment stands before the file, and its command is not run.
    let (base, server) = one_request();
    let marker = workdir.path("ran");
    let command = format!("key_command = ['/usr/bin/touch', '{}']", marker.display());
    write(&file, &format!("provider = 'ark'\n[providers.ark]\nbase_url = '{base}'\n{command}\n"));
    workdir.run(&["generate", "x"], &[env[0], ("ARK_API_KEY", "sk-other")]).exits_with(5);
    assert!(server.join().unwrap().contains("Bearer sk-other"));
    // Nor is it run by what needs no key.
    for args in [&["config", "show"][..], &["plan", "x"], &["generate", "x", "--mock"], &["models"]] {
        workdir.run(args, &env).exits_with(0);
    }
    assert!(!marker.exists());
    workdir
        .run(&["generate", "x"], &env)
        .exits_with(2)
        .stderr_contains("own.toml:4: key_command: `/usr/bin/touch` printed no key");
    assert!(marker.exists());
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let workdir = Workdir::new();
    fs::create_dir_all(workdir.path("home/.config/seedream")).unwrap();
    let file = workdir.path("home/.config/seedream/config.toml");
    write(&file, &format!("[providers.ark]\nkey = '{CANARY}'\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let home = workdir.path("home").display().to_string();
    let ran = workdir.run(&["generate", "x"], &[("HOME", &home)]);
    ran.exits_with(2).stderr_contains("config.toml:2: a key is refused in a file that others can read: run chmod 600 ");
    // A command without a provider reads no configuration.
    workdir.run(&["mock", "faults"], &[("HOME", &home)]).exits_with(0);
}

#[test]
fn a_request_takes_its_settings_from_the_files() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let file = workdir.path("own.toml");
    let text = format!(
        "provider = 'opeai'\nmodel = 'unused'\n[providers.ark]\nbase_url = '{}'\nkey = '{CANARY}'\n",
        upstream.base("ark")
    );
    write(&file, &text);
    let project = "provider = 'ark'\nmodel = 'seedream-4.5'\nsize = '2K'\nout = 'pictures'\nname = '{slug}-{index}'\n";
    fs::create_dir_all(workdir.path("project/.git")).unwrap();
    fs::create_dir_all(workdir.path("project/deep")).unwrap();
    fs::write(workdir.path("project/.seedream.toml"), project).unwrap();
    let path = file.display().to_string();
    let run = |args: &[&str]| {
        let mut command = workdir.command(args, &[("SEEDREAM_CONFIG", &path)]);
        RunResult::of(command.current_dir(workdir.path("project/deep")).output().unwrap())
    };
    let ran = run(&["generate", "a kite"]);
    ran.exits_with(0).stderr_contains("/project/.seedream.toml: provider ark, model seedream-4.5, size 2K, out ");
    assert_eq!(workdir.names("project/pictures"), ["a-kite-0.jpg", "a-kite-0.json"]);
    let sent = upstream.sent();
    assert_eq!((sent["model"].as_str(), sent["size"].as_str()), (Some("doubao-seedream-4-5-251128"), Some("2K")));
    // A flag stands before all, and a tier is a size.
    run(&["generate", "a kite", "--tier", "4K"]).exits_with(0);
    assert_eq!(upstream.sent()["size"], "4K");
    // A batch too; a column stands before the file.
    fs::write(
        workdir.path("jobs.jsonl"),
        "{\"id\":\"a\",\"prompt\":\"x\"}\n{\"id\":\"b\",\"prompt\":\"y\",\"size\":\"4K\"}\n",
    )
    .unwrap();
    run(&["batch", "../../jobs.jsonl", "--concurrency", "1"]).exits_with(0);
    assert_eq!(workdir.names("project/pictures").iter().filter(|name| name.starts_with(['x', 'y'])).count(), 4);
    let sizes: Vec<_> = ["2K", "4K"].map(Value::from).into_iter().collect();
    let sent = upstream.bodies();
    let last: Vec<_> = sent[sent.len() - 2..].iter().map(|body| body["size"].clone()).collect();
    assert_eq!(last, sizes);
    // What is refused may be wrong in a file.
    let ran = run(&["generate", "x", "--count", "99"]);
    ran.exits_with(2)
        .stderr_contains("settings that no flag sets: provider ark (")
        .stderr_contains(".seedream.toml:3)");
    assert_eq!(workdir.names("project/deep"), [""; 0]);
}

/// A repository that was cloned must not run a command, take a key elsewhere, or write outside its folder.
#[test]
fn the_file_of_a_hostile_project_does_nothing() {
    let workdir = Workdir::new();
    let evil = TcpListener::bind("127.0.0.1:0").unwrap();
    evil.set_nonblocking(true).unwrap();
    let url = format!("http://{}", evil.local_addr().unwrap());
    let (marker, outside) = (workdir.path("marker"), workdir.path("outside"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir(workdir.path("project")).unwrap();
    let command = format!("['/usr/bin/touch', '{}']", marker.display());
    let mut hostile = vec![
        format!("key_command = {command}"),
        format!("[providers.ark]\nkey_command = {command}"),
        format!("[providers.ark]\nbase_url = '{url}/api/v3'"),
        format!("proxy = '{url}'"),
        "ca_cert = 'evil.pem'".to_owned(),
        format!("[profiles.default]\nproxy = '{url}'"),
        format!("out = '{}'", outside.display()),
        "out = '../outside'".to_owned(),
        "out = 's3://evil/x'".to_owned(),
        "name = '../outside/x'".to_owned(),
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, workdir.path("project/pictures")).unwrap();
        hostile.push("out = 'pictures'".to_owned());
    }
    for text in hostile {
        write(&workdir.path("project/.seedream.toml"), &text);
        for args in [&["generate", "x", "--provider", "ark"][..], &["generate", "x", "--mock"], &["config", "show"]] {
            let mut command = workdir.command(args, &[("ARK_API_KEY", CANARY)]);
            let ran = RunResult::of(command.current_dir(workdir.path("project")).output().unwrap());
            ran.exits_with(2).stderr_contains("error: .seedream.toml:");
        }
        assert!(!marker.exists() && evil.accept().is_err(), "{text}");
        assert_eq!(workdir.names("outside"), [""; 0], "{text}");
    }
}

/// A pipe would be waited for, and a device read for ever.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_read() {
    let workdir = Workdir::new();
    let path = workdir.path(".seedream.toml");
    let refused = || {
        workdir.run(&["plan", "x"], &[]).exits_with(2).stderr_contains("error: .seedream.toml: it is not a file");
    };
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    refused();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused();
}

#[test]
fn a_variable_or_a_profile_that_is_not_valid_is_named() {
    let workdir = Workdir::new();
    write(&workdir.path("own.toml"), "[profiles.work]\nsize = '2K'\n");
    let config = ("SEEDREAM_CONFIG", "own.toml");
    for (args, env, told) in [
        (&["plan", "x"][..], ("SEEDREAM_SIZE", "5K"), "error: SEEDREAM_SIZE: "),
        (&["plan", "x"], ("SEEDREAM_PROVIDER", "acme"), "error: SEEDREAM_PROVIDER: "),
        (
            &["plan", "x"],
            ("SEEDREAM_NAME", "{prompt}"),
            "error: SEEDREAM_NAME: {prompt} is not known; the placeholders are",
        ),
        (
            &["plan", "x"],
            ("SEEDREAM_CONFIG_PROFILE", "wrok"),
            "there is no table [profiles.wrok] in own.toml, which has work: did you mean `work`?",
        ),
        (&["plan", "x", "--config-profile", "home"], ("A", "b"), "error: --config-profile home: there is no table"),
        (
            &["plan", "x", "--proxy", "ftp://u:s3cret@a"],
            ("A", "b"),
            "error: --proxy: the proxy is not a URL that begins with http",
        ),
        (
            &["generate", "x", "--provider", "ark", "--ca-cert", "no.pem"],
            ("ARK_API_KEY", CANARY),
            "error: --ca-cert: no.pem cannot be read",
        ),
        (
            &["generate", "x", "--provider", "ark", "--ca-cert", "own.toml"],
            ("ARK_API_KEY", CANARY),
            "error: --ca-cert: there is no CA certificate in it",
        ),
    ] {
        let ran = workdir.run(args, &[config, env]);
        ran.exits_with(2).stderr_contains(told);
        assert!(!ran.stderr.contains("s3cret"), "{ran:#?}");
    }
}
