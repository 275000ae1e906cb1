//! The operations themselves, and what a crash makes of them.

use std::collections::BTreeSet;

use super::{
    super::{
        crash_states::{Tree, states, syncs, without},
        operation_log::{below, mark},
    },
    *,
};

/// What a file of this name may hold after a crash at the end; `None` where there may be no such file.
fn contents(log: &[Op], path: &Path) -> BTreeSet<Option<Vec<u8>>> {
    let at_the_end = states(log).filter(|(done, _)| *done == log.len());
    let content = |tree: Tree| tree.files().find(|(file, _)| *file == path).map(|(_, bytes)| bytes.to_vec());
    at_the_end.map(|(_, tree)| content(tree)).collect()
}

fn some(texts: &[&str]) -> BTreeSet<Option<Vec<u8>>> {
    texts.iter().map(|text| Some(text.as_bytes().to_vec())).collect()
}

#[test]
fn every_operation_that_succeeded_is_in_the_log_of_its_folder() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (made, path) = (folder.path().join("a/b"), folder.path().join("a/b/c"));
    assert_eq!(make_folders(&made).unwrap(), [folder.path(), &folder.path().join("a")]);
    assert_eq!(make_folders(&made).unwrap(), Vec::<PathBuf>::new());
    let (file, part) = create(&made, "c").unwrap().into_parts();
    let name = part.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(".c-") && name.ends_with(".part"), "{name}");
    let from = part.to_path_buf();
    write_at(&file, &part, 0, b"12345").unwrap();
    write_at(&file, &part, 1, b"x").unwrap();
    cut(&file, &part, 3).unwrap();
    sync(&file, &part).unwrap();
    publish(part, &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"1x3");
    mark(folder.path(), "a mark");
    mark(other.path(), "another test's");
    assert!(sync_folder(&made).unwrap());
    remove(&path).unwrap();
    assert!(!path.exists());
    for failed in
        [remove(&path).map(drop), make_folders(Path::new("/proc/none")).map(drop), create(&path, "c").map(drop)]
    {
        assert!(failed.is_err());
    }
    let log = below(folder.path());
    let write = |offset, bytes: &[u8]| Op::Write { path: from.clone(), offset, bytes: bytes.into() };
    let expected = [
        Op::MakeFolder(folder.path().join("a")),
        Op::MakeFolder(made.clone()),
        Op::Create(from.clone()),
        write(0, b"12345"),
        write(1, b"x"),
        Op::Cut { path: from.clone(), length: 3 },
        Op::Sync(from.clone()),
        Op::Publish { from, to: path.clone() },
        Op::Mark { folder: folder.path().into(), what: "a mark".into() },
        Op::SyncFolder(made),
        Op::Remove(path),
    ];
    assert_eq!(log, expected);
    assert_eq!(syncs(&log), [6, 9]);
    assert!(log[8].is_mark("a mark") && !log[8].is_mark("another") && !log[7].is_mark("a mark"));
    assert_eq!(without(&log, 6)[6], log[7]);
}

#[test]
fn folders_that_another_process_made_meanwhile_are_no_error_and_files_are() {
    let folder = tempfile::tempdir().unwrap();
    // Once `a` is made, so are the other two.
    make_folders(&folder.path().join("a/../a")).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(make_folders(&file).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn a_file_takes_no_name_that_another_has() {
    let folder = tempfile::tempdir().unwrap();
    let (taken, free) = (folder.path().join("taken"), folder.path().join("free"));
    fs::write(&taken, "precious").unwrap();
    for give in [publish, replace_reserved] {
        let part = create(folder.path(), "c").unwrap().into_temp_path();
        let (error, part) = give(part, &taken).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(part.exists());
        give(part, &free).unwrap();
        fs::remove_file(&free).unwrap();
        // Nowhere else, it stays where it is.
        let part = create(folder.path(), "c").unwrap().into_temp_path();
        let (_, part) = give(part, &folder.path().join("none/free")).unwrap_err();
        assert!(part.exists());
    }
    assert_eq!(fs::read(&taken).unwrap(), b"precious");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let gone = TempPath::try_from_path(folder.path().join("gone")).unwrap();
    replace_reserved(gone, &free).unwrap_err();
    assert!(!free.exists(), "a name is given back");
}

#[cfg(unix)]
#[test]
fn files_have_the_permissions_of_any_other() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let (any, part) = (folder.path().join("any"), create(folder.path(), "c").unwrap());
    fs::write(&any, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(part.path()), mode(&any));
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_synced_is_no_error_and_one_that_is_not_there_is() {
    assert!(!sync_folder(Path::new("/proc")).unwrap());
    assert!(sync_folder(Path::new("")).unwrap(), "the current one");
    assert!(sync_folder(Path::new("/nonexistent")).is_err());
    let all = |folders: &[&str]| sync_folders(folders.iter().map(Path::new)).ok();
    assert_eq!(
        [all(&[]), all(&["."]), all(&["/proc", "."]), all(&[".", "/proc"])],
        [Some(true), Some(true), Some(false), Some(false)]
    );
    assert_eq!(all(&[".", "/nonexistent"]), None);
    assert_eq!(parent(Path::new("a")), Path::new("."));
    assert_eq!(parent(Path::new("a/b")), Path::new("a"));
}

#[test]
fn after_a_crash_what_was_not_synced_is_there_or_not() {
    let (folder, a, b) = (PathBuf::from("/f"), PathBuf::from("/f/a"), PathBuf::from("/f/b"));
    let write = |offset, bytes: &[u8]| Op::Write { path: a.clone(), offset, bytes: bytes.into() };
    let (create, sync, sync_folder) = (Op::Create(a.clone()), Op::Sync(a.clone()), Op::SyncFolder(folder));
    let publish = Op::Publish { from: a.clone(), to: b.clone() };

    let mut log = vec![create, write(0, b"12"), write(3, b"4")];
    let mut expected = some(&["", "12", "\0\0\x004", "12\x004"]);
    expected.insert(None);
    assert_eq!(contents(&log, &a), expected);
    log.push(sync_folder.clone());
    expected.remove(&None);
    assert_eq!(contents(&log, &a), expected, "a name is not the bytes");
    log.push(sync.clone());
    assert_eq!(contents(&log, &a), some(&["12\x004"]));
    log.extend([write(1, b"xyz"), Op::Cut { path: a.clone(), length: 1 }]);
    assert_eq!(contents(&log, &a), some(&["12\x004", "1xyz", "1"]));
    log.push(sync.clone());
    assert_eq!(contents(&log, &a), some(&["1"]));
    log.push(publish);
    let either = BTreeSet::from([None, Some(b"1".to_vec())]);
    assert_eq!((contents(&log, &a), contents(&log, &b)), (either.clone(), either.clone()));
    assert!(states(&log).filter(|(done, _)| *done == log.len()).all(|(_, tree)| tree.has(b"1")), "renaming loses none");
    log.push(sync_folder.clone());
    assert_eq!((contents(&log, &a), contents(&log, &b)), (BTreeSet::from([None]), some(&["1"])));
    log.push(Op::Remove(b.clone()));
    assert_eq!(contents(&log, &b), either);
    log.push(Op::SyncFolder("/".into()));
    assert_eq!(contents(&log, &b), either, "that is another folder");
    log.push(sync_folder);
    assert_eq!(contents(&log, &b), BTreeSet::from([None]));
}

#[test]
fn a_folder_that_vanished_took_everything_with_it() {
    let (folder, a) = (PathBuf::from("/f/g"), PathBuf::from("/f/g/a"));
    let log = [Op::MakeFolder(folder.clone()), Op::Create(a.clone()), Op::SyncFolder(folder)];
    assert_eq!(contents(&log, &a), BTreeSet::from([None, Some(Vec::new())]));
    let log = [&log[..], &[Op::SyncFolder("/f".into())]].concat();
    assert_eq!(contents(&log, &a), some(&[""]));
}

#[test]
fn every_moment_is_looked_at_and_too_many_states_are_sampled() {
    let a = PathBuf::from("/f/a");
    let write = |at: u8| Op::Write { path: a.clone(), offset: at.into(), bytes: vec![at] };
    let log: Vec<_> =
        [Op::Create(a.clone()), Op::SyncFolder("/f".into())].into_iter().chain((1..=10).map(write)).collect();
    // Nothing was done; the file was made or not; then each of the bytes was written or not.
    assert_eq!(states(&log).count(), 2 + (1 << 10));
    let more = [&log[..], &[write(11)]].concat();
    let trees: Vec<_> = states(&more).map(|(_, tree)| tree).collect();
    let all: Vec<u8> = (0..=11).collect();
    assert!(trees.iter().any(|tree| tree.has(&all)) && trees.iter().any(|tree| tree.has(b"")));
    assert!((1 << 9..=1 << 11).contains(&trees.len()), "{}", trees.len());
    assert!(trees.iter().any(|tree| tree.tells("/a", "\u{7}\u{8}")) && !trees.iter().any(|tree| tree.tells("b", "")));
}
