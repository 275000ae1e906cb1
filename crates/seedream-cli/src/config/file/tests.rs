//! What files say, and what they may not say.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

fn read(text: &str, owner: Owner, mode: u32) -> Result<ConfigFile, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let shown = format!("{}/", folder.path().display());
    ConfigFile::read(&path, owner).map_err(|failure| failure.message.replace(&shown, ""))
}

#[test]
fn a_file_has_values_with_their_lines() {
    let text = "provider = [\"ark\", \"opeai\"]\nsize = '16:9@2K'\n\n[providers.ark]\nmodel = \"m\"\nkey = \"sk-1\"\n\n[profiles.work]\nprovider = \"evolink\"\n[profiles.work.providers.evolink]\nkey_command = [\"pass\", \"show\"]\n";
    let file = read(text, Owner::User, 0o600).unwrap();
    let line = |origin: &Origin| match origin {
        Origin::File { line, profile, .. } => (*line, profile.clone()),
        other => panic!("{other}"),
    };
    assert_eq!(file.layer.provider.unwrap().value, ["ark", "opeai"]);
    assert_eq!(line(&file.layer.size.unwrap().origin), (2, None));
    let ark = &file.layer.providers["ark"];
    assert_eq!((ark.model.as_ref().unwrap().value.as_str(), line(&ark.key.as_ref().unwrap().origin)), ("m", (6, None)));
    let work = &file.profiles["work"];
    assert_eq!(line(&work.provider.as_ref().unwrap().origin), (9, Some("work".to_owned())));
    let key = work.providers["evolink"].key.as_ref().unwrap();
    assert_eq!((key.value.clone(), line(&key.origin).0), (KeySource::Command(vec!["pass".into(), "show".into()]), 11));
}

#[test]
fn what_is_wrong_is_told_with_file_and_line() {
    for (text, told) in [
        ("size = ", "c.toml:1: "),
        ("\nkey = \"sk-canary", "c.toml:2: "),
        ("\nsiez = \"2K\"", "c.toml:2: the key `siez` is not known; did you mean `size`? the keys are provider, model"),
        ("size = 2", "c.toml:1: `size` is of the type integer; write a text in quotes"),
        ("size = \"5K\"", "c.toml:1: `size`: "),
        ("provider = \"acme\"", "c.toml:1: `provider`: "),
        ("provider = []", "c.toml:1: `provider` is empty"),
        ("model = \" \"", "c.toml:1: `model` is empty"),
        ("name = \"{prompt}\"", "c.toml:1: `name`: {prompt} is not known; the placeholders are {provider}"),
        ("proxy = \"ftp://u:sk-canary@a\"", "c.toml:1: `proxy`: the proxy is not a URL"),
        ("providers = 1", "c.toml:1: `providers` is not a table; write [providers]"),
        ("[providers.arc]\nmodel = \"m\"", "c.toml:1: "),
        (
            "[providers.ark]\nbase-url = \"https://a\"",
            "c.toml:2: the key `base-url` is not known; did you mean `base_url`?",
        ),
        ("[providers.ark]\nbase_url = \"ftp://a\"", "c.toml:2: "),
        ("[providers.ark]\nkey = \"Bearer \"", "c.toml:2: `key` contains no key"),
        (
            "[providers.ark]\nkey = \"sk-canary\"\nkey_command = [\"a\"]",
            "c.toml:3: `key_command`: there are a key and a key_command",
        ),
        (
            "[providers.ark]\nkey_command = \"pass show\"",
            "c.toml:2: `key_command`: write the program and its arguments",
        ),
        ("[providers.ark]\nkey_command = []", "c.toml:2: `key_command`: write the program"),
        ("[profiles.a.profiles.b]\nsize = \"2K\"", "c.toml:1: the key `profiles` is not known"),
    ] {
        let message = read(text, Owner::User, 0o600).unwrap_err();
        assert!(message.starts_with(told) && !message.contains("canary"), "{text}: {message}");
    }
}

#[test]
fn a_secret_has_to_be_in_a_file_that_nobody_else_reads_or_writes() {
    let key = "[providers.ark]\nkey = \"sk-canary\"";
    let command = "[providers.ark]\nkey_command = [\"pass\"]";
    let proxy = "proxy = \"http://u:sk-canary@a:1\"";
    for (text, mode, told) in [
        (key, 0o644, "c.toml:2: a key is refused in a file that others can read: run chmod 600"),
        (key, 0o640, "c.toml:2: a key is refused"),
        (proxy, 0o604, "c.toml:1: a proxy with a password is refused"),
        (command, 0o664, "c.toml:2: `key_command` is refused in a file that others can write"),
    ] {
        let message = read(text, Owner::User, mode).unwrap_err();
        assert!(message.starts_with(told) && !message.contains("canary"), "{message}");
    }
    for (text, mode) in
        [(key, 0o600), (key, 0o400), (proxy, 0o600), (command, 0o644), ("proxy = \"http://a:1\"", 0o644)]
    {
        assert!(read(text, Owner::User, mode).is_ok(), "{text} {mode:o}");
    }
}

/// A repository that was cloned must not run commands, nor send keys or images elsewhere.
#[test]
fn the_file_of_a_project_chooses_what_is_generated_and_nothing_else() {
    let allowed = "provider = \"ark\"\nmodel = \"m\"\nsize = \"2K\"\nout = \"pictures\"\nname = \"{slug}\"";
    assert!(read(allowed, Owner::Project, 0o666).is_ok());
    for hostile in [
        "key = \"sk-canary\"",
        "key_command = [\"touch\", \"/tmp/owned\"]",
        "base_url = \"https://evil.example\"",
        "proxy = \"http://evil.example:1\"",
        "ca_cert = \"evil.pem\"",
        "[profiles.work]\nsize = \"4K\"",
        "[providers.ark]\nbase_url = \"https://evil.example\"",
        "[providers.ark]\nkey_command = [\"touch\", \"/tmp/owned\"]",
        "providers = { ark = { key_command = [\"touch\", \"/tmp/owned\"] } }",
        "providers.ark.base_url = \"https://evil.example\"",
        "\"providers\".ark.base_url = \"https://evil.example\"",
    ] {
        let message = read(hostile, Owner::Project, 0o600).unwrap_err();
        assert!(message.starts_with("c.toml:1: `") && message.contains("is refused here"), "{hostile}: {message}");
    }
    for out in ["/etc", "../x", "s3://bucket", ".git", "~/x"] {
        let message = read(&format!("out = \"{out}\""), Owner::Project, 0o600).unwrap_err();
        assert!(message.starts_with("c.toml:1: `out` is "), "{message}");
    }
    assert!(read("name = \"../{slug}\"", Owner::Project, 0o600).unwrap_err().starts_with("c.toml:1: `name`: '/'"));
}
