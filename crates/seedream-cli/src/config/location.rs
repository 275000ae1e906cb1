//! Where the configuration files are.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The name of the file of a project.
pub(super) const PROJECT_FILE: &str = ".seedream.toml";

/// The variable that names the file of the user.
const VARIABLE: &str = "SEEDREAM_CONFIG";

/// The file of the user, whether or not it exists: the one in `SEEDREAM_CONFIG`, else `seedream/config.toml` in the folder for
/// configuration. `None` where there is no such folder.
///
/// # Errors
/// The file in `SEEDREAM_CONFIG` does not exist.
pub(super) fn user_file(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<PathBuf>, Failure> {
    let set = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set(VARIABLE) {
        if !path.exists() {
            let shown = path.display();
            return Err(Failure::usage(format!("{VARIABLE}: {shown} does not exist: correct or unset the variable")));
        }
        return Ok(Some(path));
    }
    let folder = if cfg!(windows) {
        set("APPDATA")
    } else {
        // A relative path is not valid there, as the specification of XDG says.
        let xdg = set("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        xdg.or_else(|| set("HOME").map(|home| home.join(".config")))
    };
    Ok(folder.map(|folder| folder.join("seedream").join("config.toml")))
}

/// The file of the project: in the folder, or in one above up to that with `.git`. Outside a repository only the folder itself counts:
/// every user can write into a parent such as `/tmp`.
pub(super) fn project_file(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder);
    let within = folder.ancestors().take_while(|above| above.starts_with(root));
    within.map(|above| above.join(PROJECT_FILE)).find(|file| file.symlink_metadata().is_ok())
}

/// Checks that the project file and the current folder have the same owner. In a shared folder such as `/tmp`, another user can create
/// a repository around the current folder.
///
/// # Errors
/// They have different owners.
pub(super) fn check_owner(file: &Path, folder: &Path) -> Result<(), Failure> {
    if owner(file) == owner(folder) {
        return Ok(());
    }
    let shown = file.display();
    Err(Failure::usage(format!(
        "{shown}: it belongs to another user than the current folder: remove it, or work elsewhere"
    )))
}

#[cfg(unix)]
fn owner(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata))
}

#[cfg(not(unix))]
fn owner(_: &Path) -> Option<u32> {
    None
}

/// A path of the user's file: `~/` is the home folder, and a relative path is below `folder`.
pub(super) fn user_path(text: &str, folder: &Path, lookup: impl Fn(&str) -> Option<String>) -> PathBuf {
    let home = lookup(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => folder.join(text),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_file_of_the_user_is_where_the_system_has_configuration() {
        let found = |set: &[(&str, &str)]| {
            let lookup = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            user_file(lookup).map(|path| path.map(|path| path.display().to_string()).unwrap_or_default())
        };
        assert_eq!(found(&[]).unwrap(), "");
        if cfg!(unix) {
            assert_eq!(found(&[("HOME", "/home/a")]).unwrap(), "/home/a/.config/seedream/config.toml");
            let both = [("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/x")];
            assert_eq!(found(&both).unwrap(), "/x/seedream/config.toml");
            let relative = [("HOME", "/home/a"), ("XDG_CONFIG_HOME", "x"), ("SEEDREAM_CONFIG", "")];
            assert_eq!(found(&relative).unwrap(), "/home/a/.config/seedream/config.toml");
        }
        assert_eq!(found(&[("SEEDREAM_CONFIG", "Cargo.toml")]).unwrap(), "Cargo.toml");
        assert!(found(&[("SEEDREAM_CONFIG", "no-such-file")]).unwrap_err().message.contains("no-such-file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_somebody_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(PROJECT_FILE);
        fs::write(&file, "").unwrap();
        check_owner(&file, folder.path()).unwrap();
        // The root of the system belongs to the administrator, as whom tests may run.
        let (mine, other) = (owner(&file), owner(Path::new("/")));
        if mine == other && std::os::unix::fs::chown(&file, Some(65534), None).is_err() {
            return;
        }
        let theirs = if mine == other { file.as_path() } else { Path::new("/") };
        assert!(check_owner(theirs, folder.path()).unwrap_err().message.contains("belongs to another user"));
    }

    #[test]
    fn the_file_of_a_project_is_looked_for_up_to_the_root_of_the_repository() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("repository");
        let deep = root.join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(outside.path().join(PROJECT_FILE), "").unwrap();
        assert_eq!(project_file(&deep), None, "a folder above the repository is not read");
        fs::create_dir(root.join(".git")).unwrap();
        assert_eq!(project_file(&deep), None);
        fs::write(root.join(PROJECT_FILE), "").unwrap();
        assert_eq!(project_file(&deep), Some(root.join(PROJECT_FILE)));
        fs::write(deep.join(PROJECT_FILE), "").unwrap();
        assert_eq!(project_file(&deep), Some(deep.join(PROJECT_FILE)));
        assert_eq!(project_file(outside.path()), Some(outside.path().join(PROJECT_FILE)));
    }
}
