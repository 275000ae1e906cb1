//! The output folder of a project's file, which stays below the folder of that file.

use std::path::{Component, Path, PathBuf};

/// The folder that `out` names.
///
/// # Errors
/// Why it could be elsewhere, in a sentence: it is absolute, a URL or hidden, has `..`, or goes through a symbolic link that leads out.
pub(super) fn below(folder: &Path, out: &str) -> Result<PathBuf, String> {
    let stays = "the file of a project names a folder below its own, such as out = \"pictures\"";
    if out.contains("://") || out.contains('\\') || out.starts_with('~') {
        return Err(format!("`out` is {out}: {stays}"));
    }
    for part in Path::new(out).components() {
        match part {
            // `.git`, `.ssh` and the like are for programs.
            Component::Normal(name) if name.to_string_lossy().starts_with('.') => {
                return Err(format!("`out` is {out}, which is hidden: {stays}"));
            }
            Component::Normal(_) | Component::CurDir => {}
            _ => return Err(format!("`out` is {out}: {stays}")),
        }
    }
    let path = if folder == Path::new(".") { PathBuf::from(out) } else { folder.join(out) };
    let unknown = |error: std::io::Error| format!("`out` is {out}, and where that leads is not known: {error}");
    let root = folder.canonicalize().map_err(unknown)?;
    // A link that leads nowhere would be followed once its target is made.
    let there = path.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap_or(folder);
    if !there.canonicalize().map_err(unknown)?.starts_with(&root) {
        return Err(format!("`out` is {out}, which leads out of the folder by a symbolic link: {stays}"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_folders_below_are_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        fs::create_dir_all(root.join("there")).unwrap();
        for out in ["pictures", "a/b/c", "./pictures", "there", "."] {
            assert_eq!(below(&root, out).unwrap(), root.join(out), "{out}");
        }
        for out in
            ["/tmp/x", "..", "../x", "a/../../x", "s3://bucket/x", "~/x", "~root/x", ".git/hooks", "a/.ssh", r"..\x"]
        {
            assert!(below(&root, out).unwrap_err().contains("a folder below its own"), "{out}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_does_not_lead_out() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("project"), folder.path().join("outside"));
        fs::create_dir_all(root.join("there")).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink(&outside, root.join("out")).unwrap();
        symlink(folder.path().join("missing"), root.join("dangling")).unwrap();
        symlink(root.join("there"), root.join("inside")).unwrap();
        for out in ["out", "out/deep", "dangling", "dangling/deep"] {
            assert!(below(&root, out).is_err(), "{out}");
        }
        assert!(below(&root, "inside/deep").is_ok());
    }
}
