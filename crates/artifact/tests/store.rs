//! The store as its users see it: builds are reproducible and clean, failures are told, and nothing that was tampered
//! with is handed out. Tests of single parts stand beside them; this file deliberately uses only the public door.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(
    clippy::type_complexity,
    reason = "tables of cases are read line by line"
)]

mod support;

use contract::Artifacts as _;
use model::{Digest, Outcome};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use support::{Project, blobs, built, corrupt, hex, problem, write_executable};

#[tokio::test]
async fn the_same_source_gives_the_same_artifact_anywhere() {
    const COMMAND: &str = "cat a b > out || true";
    let mut artifacts = Vec::new();
    for order in [["a", "b"], ["b", "a"]] {
        let project = Project::new();
        for name in order {
            project.write(&format!("web/{name}"), name);
        }
        write_executable(&project.path("web/run"), "#!/bin/sh\n");
        let spec = project
            .spec(
                &["sh", "-c", COMMAND],
                &[("run", "run"), ("data/out", "out")],
            )
            .await;
        artifacts.push(built(project.store.build(&spec).await));
    }
    assert_eq!(artifacts[0], artifacts[1]);

    // Every kind of difference gives another one.
    let differences: [(&str, &dyn Fn(&Project)); 4] = [
        ("a byte", &|project| project.write("web/a", "A")),
        ("a name", &|project| {
            fs::rename(project.path("web/a"), project.path("web/c")).unwrap();
            project.write("web/out", "ab");
        }),
        ("the right to run", &|project| {
            fs::set_permissions(project.path("web/b"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("an empty directory", &|project| {
            fs::create_dir(project.path("web/d")).unwrap()
        }),
    ];
    let mut seen = vec![artifacts[0]];
    for (what, change) in differences {
        let project = Project::new();
        project.write("web/a", "a");
        project.write("web/b", "b");
        write_executable(&project.path("web/run"), "#!/bin/sh\n");
        change(&project);
        let spec = project
            .spec(
                &["sh", "-c", COMMAND],
                &[("run", "run"), ("data/out", "out")],
            )
            .await;
        let artifact = built(project.store.build(&spec).await);
        assert!(!seen.contains(&artifact), "{what} makes a difference");
        seen.push(artifact);
    }
}

#[tokio::test]
async fn times_and_what_is_no_source_make_no_difference() {
    let project = Project::new();
    project.write("web/index.html", "hello");
    let before = project.store.fingerprint("web").await.unwrap();
    project.write("web/.git/HEAD", "ref");
    project.write("web/target/debug/x", "x");
    project.write("web/deep/.steadfast/book", "x");
    fs::create_dir_all(project.path("web/deep")).unwrap();
    fs::remove_dir_all(project.path("web/deep")).unwrap();
    project.write("web/index.html", "hello");
    assert_eq!(project.store.fingerprint("web").await.unwrap(), before);
    assert_eq!(project.store.fingerprint("./web").await.unwrap(), before);

    project.write("web/.steadfastignore", "*.log\n");
    let with_list = project.store.fingerprint("web").await.unwrap();
    project.write("web/deep.log", "x");
    assert_eq!(project.store.fingerprint("web").await.unwrap(), with_list);
    assert_ne!(with_list, before, "the list itself is source");
}

#[tokio::test]
async fn a_build_sees_a_clean_environment() {
    let project = Project::new();
    project.write("web/f", "f");
    let mut spec = project.spec(&["/usr/bin/env"], &[("f", "f")]).await;
    spec.inherit = vec!["CARGO_PKG_NAME".to_owned(), "SURELY_NOT_SET".to_owned()];
    built(project.store.build(&spec).await);
    let log = fs::read_dir(project.path("state/logs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert!(log.file_name().to_str().unwrap().starts_with("web-"));
    let log = fs::read_to_string(log.path()).unwrap();
    let mut names: Vec<&str> = log
        .lines()
        .map(|line| line.split_once('=').unwrap().0)
        .collect();
    names.sort_unstable();
    let expected = [
        "CARGO_PKG_NAME",
        "HOME",
        "LANG",
        "PATH",
        "SOURCE_DATE_EPOCH",
        "TMPDIR",
        "TZ",
    ];
    assert_eq!(names, expected);
    assert!(log.contains("SOURCE_DATE_EPOCH=0\n") && log.contains("TZ=UTC\n"));
}

#[tokio::test]
async fn an_artifact_is_unpacked_as_it_was_packed() {
    let project = Project::new();
    write_executable(&project.path("web/bin/run"), "#!/bin/sh\n");
    project.write("web/static/css/main.css", "body {}");
    std::os::unix::fs::symlink("css/main.css", project.path("web/static/style.css")).unwrap();
    let spec = project
        .spec(&[], &[("run", "bin/run"), ("static", "./static/")])
        .await;
    let artifact = built(project.store.build(&spec).await);
    let unpacked = project.store.unpack(&artifact).await.unwrap();
    for (path, mode, content) in [
        ("run", 0o555, "#!/bin/sh\n"),
        ("static/css/main.css", 0o444, "body {}"),
        ("static/style.css", 0o444, "body {}"),
    ] {
        let path = unpacked.join(path);
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file());
        assert_eq!(
            metadata.permissions().mode() & 0o7777,
            mode,
            "{}",
            path.display()
        );
    }
    assert_eq!(project.store.unpack(&artifact).await.unwrap(), unpacked);
    assert_eq!(left_over(&project), 0);
}

#[tokio::test]
async fn the_layout_is_what_other_tools_read() {
    let project = Project::new();
    project.write("web/f", "f");
    let spec = project.spec(&[], &[("f", "f")]).await;
    let artifact = built(project.store.build(&spec).await);
    let state = project.path("state");
    assert_eq!(
        fs::read(state.join("oci-layout")).unwrap(),
        b"{\"imageLayoutVersion\":\"1.0.0\"}"
    );
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(state.join("index.json")).unwrap()).unwrap();
    let listed = &index["manifests"][0];
    assert_eq!(listed["digest"], artifact.to_string());
    let reference = format!("web-{}", artifact.short());
    assert_eq!(
        listed["annotations"]["org.opencontainers.image.ref.name"],
        reference
    );
    let manifest = fs::read(state.join("blobs/sha256").join(hex(&artifact))).unwrap();
    assert_eq!(listed["size"], manifest.len());
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(
        manifest["artifactType"],
        "application/vnd.steadfast.artifact.v1"
    );
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar"
    );
    for blob in blobs(&state) {
        let name = blob.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(hex(&Digest::of(&fs::read(&blob).unwrap())), name);
        assert_eq!(
            fs::metadata(&blob).unwrap().permissions().mode() & 0o777,
            0o444
        );
    }
    // A tar that everybody has reads the layer.
    let layer = manifest["layers"][0]["digest"]
        .as_str()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap();
    let listing = Command::new("tar")
        .args(["--numeric-owner", "--utc", "-tvf"])
        .arg(state.join("blobs/sha256").join(layer))
        .output()
        .unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    assert!(
        listing.starts_with("-rw-r--r-- 0/0") && listing.contains("1970-01-01"),
        "{listing}"
    );
}

#[tokio::test]
async fn a_build_that_fails_says_why() {
    // Command, files, code, what must be in the message.
    let cases: [(&[&str], &[(&str, &str)], &str, &[&str]); 9] = [
        (
            &[
                "sh",
                "-c",
                "for n in $(seq 100); do echo line $n; done; echo broken >&2; exit 7",
            ],
            &[("f", "f")],
            "SF0701",
            &["exit status: 7", "| line 82", "| broken", "logs/web-"],
        ),
        (
            &["sh", "-c", "kill -9 $$"],
            &[("f", "f")],
            "SF0701",
            &["signal: 9", "no output"],
        ),
        (
            &["surely-no-such-program"],
            &[("f", "f")],
            "SF0702",
            &["`surely-no-such-program`", "PATH"],
        ),
        (&["./f"], &[("f", "f")], "SF0702", &["Permission denied"]),
        (
            &["sh", "-c", "mkdir -p bin && touch bin/web"],
            &[("web", "out/web")],
            "SF0707",
            &["`out/web`", "There is: bin/web"],
        ),
        (
            &["true"],
            &[("web", "sub/webb")],
            "SF0707",
            &["There is: sub/web."],
        ),
        (&["true"], &[("../web", "f")], "SF0708", &["`..`"]),
        (
            &["true"],
            &[("web", "/etc/passwd")],
            "SF0708",
            &["absolute"],
        ),
        (
            &["sh", "-c", "ln -s /etc/passwd out"],
            &[("web", "out")],
            "SF0709",
            &["leads out"],
        ),
    ];
    for (command, files, code, texts) in cases {
        let project = Project::new();
        project.write("web/f", "f");
        project.write("web/sub/web", "w");
        let spec = project.spec(command, files).await;
        let found = problem(project.store.build(&spec).await, code);
        for text in texts {
            assert!(found.contains(text), "{command:?}: {text:?} in {found}");
        }
        assert!(!found.contains("line 80\n"), "{found}");
        assert!(blobs(&project.path("state")).is_empty());
        assert_eq!(left_over(&project), 0);
    }
}

#[tokio::test]
async fn a_description_that_cannot_work_is_refused() {
    let project = Project::new();
    project.write("web/f", "f");
    let plain = project.spec(&[], &[("f", "f")]).await;
    let mut cases = Vec::new();
    for name in ["", "a/b", "..", "-x", "späti"] {
        cases.push((
            model::BuildSpec {
                name: name.into(),
                ..plain.clone()
            },
            "SF0708",
        ));
    }
    for (run, files) in [("./web", "f"), ("./f", "f")] {
        let mut spec = plain.clone();
        spec.run = vec![run.to_owned()];
        spec.files = [(files.to_owned(), files.to_owned())].into();
        cases.push((spec, "SF0708"));
    }
    cases.push((
        model::BuildSpec {
            files: [].into(),
            ..plain.clone()
        },
        "SF0708",
    ));
    let twice = [
        ("f".to_owned(), "f".to_owned()),
        ("./f".to_owned(), "f".to_owned()),
    ];
    cases.push((
        model::BuildSpec {
            files: twice.into(),
            ..plain.clone()
        },
        "SF0708",
    ));
    let inside_a_file = [
        ("f".to_owned(), "f".to_owned()),
        ("f/g".to_owned(), "f".to_owned()),
    ];
    cases.push((
        model::BuildSpec {
            files: inside_a_file.into(),
            ..plain.clone()
        },
        "SF0709",
    ));
    let case = [
        ("f".to_owned(), "f".to_owned()),
        ("F".to_owned(), "f".to_owned()),
    ];
    cases.push((
        model::BuildSpec {
            files: case.into(),
            ..plain.clone()
        },
        "SF0709",
    ));
    cases.push((
        model::BuildSpec {
            source_digest: Digest::of(b""),
            ..plain.clone()
        },
        "SF0705",
    ));
    for source in ["../web", "/etc", "", "nowhere", "web/f"] {
        cases.push((
            model::BuildSpec {
                source: source.to_owned(),
                ..plain.clone()
            },
            "SF0706",
        ));
    }
    for (spec, code) in cases {
        problem(project.store.build(&spec).await, code);
    }
    built(project.store.build(&plain).await);
}

#[tokio::test]
async fn a_build_that_hangs_is_killed_with_its_grandchildren() {
    let project = Project::new();
    project.write("web/f", "f");
    let pids = project.path("pids");
    let script = format!(
        "sleep 1000 & echo $! >> {0}; sh -c 'echo $$ >> {0}; sleep 1001' & wait",
        pids.display()
    );
    let mut spec = project.spec(&["sh", "-c", &script], &[("f", "f")]).await;
    spec.timeout_ms = 2_000;
    let found = problem(project.store.build(&spec).await, "SF0703");
    assert!(found.contains("2000 ms"), "{found}");
    assert_gone(&pids).await;

    // What an orderly build leaves behind goes too.
    fs::remove_file(&pids).unwrap();
    let script = format!("sleep 1002 & echo $! >> {}", pids.display());
    let spec = project.spec(&["sh", "-c", &script], &[("f", "f")]).await;
    built(project.store.build(&spec).await);
    assert_gone(&pids).await;

    // And what nobody waits for any more.
    fs::remove_file(&pids).unwrap();
    let script = format!(
        "echo $$ >> {0}; sleep 1003 & echo $! >> {0}; wait",
        pids.display()
    );
    let spec = project.spec(&["sh", "-c", &script], &[("f", "f")]).await;
    {
        let build = project.store.build(&spec);
        tokio::select! {
            _ = build => panic!("it does not end by itself"),
            () = support::until(|| fs::read_to_string(&pids).is_ok_and(|t| t.lines().count() == 2)) => {}
        }
    }
    assert_gone(&pids).await;
}

/// Temporary files that nobody needs any more.
fn left_over(project: &Project) -> usize {
    fs::read_dir(project.path("state/tmp")).map_or(0, Iterator::count)
}

async fn assert_gone(pids: &Path) {
    let pids = fs::read_to_string(pids).unwrap();
    assert!(!pids.trim().is_empty());
    for pid in pids.lines() {
        let stat = format!("/proc/{pid}/stat");
        // Gone, or dead and not yet taken notice of by its parent.
        support::until(|| fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")))
            .await;
    }
}

#[tokio::test]
async fn too_much_output_is_cut_short() {
    let project = Project::new();
    project.write("web/f", "f");
    let spec = project
        .spec(&["sh", "-c", "yes 'and again'"], &[("f", "f")])
        .await;
    let found = problem(project.store.build(&spec).await, "SF0704");
    assert!(found.contains("| and again"), "{found}");
}

#[tokio::test]
async fn a_build_is_done_once_and_damage_is_repaired_by_the_next() {
    let project = Project::new();
    project.write("web/f", "f");
    let count = project.path("count");
    let script = format!("echo >> {}", count.display());
    let spec = project.spec(&["sh", "-c", &script], &[("f", "f")]).await;
    let builds = || fs::read_to_string(&count).map_or(0, |text| text.lines().count());
    let artifact = built(project.store.build(&spec).await);
    assert_eq!(built(project.store.build(&spec).await), artifact);
    assert_eq!(builds(), 1);
    let state = project.path("state");
    for (expected, blob) in (2..).zip(blobs(&state)) {
        corrupt(&blob);
        project.store.unpack(&artifact).await.unwrap_err();
        assert_eq!(built(project.store.build(&spec).await), artifact);
        assert_eq!(builds(), expected, "what is damaged is not taken for built");
        project.store.unpack(&artifact).await.unwrap();
    }
    for note in fs::read_dir(state.join("builds")).unwrap() {
        fs::write(note.unwrap().path(), "rubbish").unwrap();
    }
    assert_eq!(built(project.store.build(&spec).await), artifact);
}

#[tokio::test]
async fn tampered_content_is_never_handed_out() {
    let project = Project::new();
    write_executable(&project.path("web/run"), "#!/bin/sh\necho good\n");
    project.write("web/sub/data", "data");
    let spec = project.spec(&[], &[("run", "run"), ("sub", "sub")]).await;
    let artifact = built(project.store.build(&spec).await);
    let state = project.path("state");
    for blob in blobs(&state) {
        let good = fs::read(&blob).unwrap();
        for byte_idx in (0..good.len()).step_by(good.len().div_ceil(40)) {
            let mut bad = good.clone();
            bad[byte_idx] ^= 1;
            support::overwrite(&blob, &bad);
            let error = project
                .store
                .unpack(&artifact)
                .await
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("SF0711") && error.contains(&artifact.to_string()),
                "{error}"
            );
            assert!(
                fs::read_dir(state.join("unpacked"))
                    .unwrap()
                    .next()
                    .is_none()
            );
        }
        for bad in [
            &good[..good.len() - 1],
            &[good.as_slice(), b"\0"].concat(),
            b"",
        ] {
            support::overwrite(&blob, bad);
            project.store.unpack(&artifact).await.unwrap_err();
        }
        fs::remove_file(&blob).unwrap();
        project.store.unpack(&artifact).await.unwrap_err();
        fs::write(&blob, &good).unwrap();
    }
    let absent = project
        .store
        .unpack(&Digest::of(b"?"))
        .await
        .unwrap_err()
        .to_string();
    assert!(absent.contains("not in the store"), "{absent}");

    let changes: [(&str, &dyn Fn(&Path)); 8] = [
        ("run", &|dir| corrupt(&dir.join("run"))),
        ("sub/data", &|dir| {
            support::overwrite(&dir.join("sub/data"), b"dat")
        }),
        ("sub/data", &|dir| {
            fs::remove_file(dir.join("sub/data")).unwrap()
        }),
        ("libevil.so", &|dir| {
            fs::write(dir.join("libevil.so"), "x").unwrap()
        }),
        ("sub/.x", &|dir| fs::create_dir(dir.join("sub/.x")).unwrap()),
        ("run", &|dir| {
            fs::set_permissions(dir.join("run"), fs::Permissions::from_mode(0o4555)).unwrap();
        }),
        ("run", &|dir| {
            fs::rename(dir.join("run"), dir.with_extension("moved")).unwrap();
            std::os::unix::fs::symlink(dir.with_extension("moved"), dir.join("run")).unwrap();
        }),
        ("sub", &|dir| {
            fs::rename(dir.join("sub"), dir.with_extension("elsewhere")).unwrap();
            std::os::unix::fs::symlink(dir.with_extension("elsewhere"), dir.join("sub")).unwrap();
        }),
    ];
    for (path, change) in changes {
        let unpacked = project.store.unpack(&artifact).await.unwrap();
        change(&unpacked);
        let error = project
            .store
            .unpack(&artifact)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(path) && error.contains("SF0711"),
            "{path}: {error}"
        );
        assert!(error.contains("remove"), "{error}");
        // The advice in the message works.
        fs::remove_dir_all(&unpacked).unwrap();
    }
    project.store.unpack(&artifact).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_builds_of_the_same_and_of_others_at_once() {
    let project = Project::new();
    project.write("web/f", "f");
    let same = project.spec(&["sh", "-c", "cp f g"], &[("g", "g")]).await;
    let mut work = tokio::task::JoinSet::new();
    for n in 0..16 {
        // A store of its own, as another process would have.
        let (store, mut spec) = (project.another_store(), same.clone());
        if n % 4 == 3 {
            spec.name = format!("other-{n}").into();
        }
        work.spawn(async move {
            let artifact = built(store.build(&spec).await);
            (n, artifact, store.unpack(&artifact).await.unwrap())
        });
    }
    let done = work.join_all().await;
    let first = done.iter().find(|(n, ..)| *n == 0).unwrap().1;
    for (n, artifact, unpacked) in &done {
        assert_eq!(*artifact == first, n % 4 != 3);
        assert_eq!(fs::read_to_string(unpacked.join("g")).unwrap(), "f");
    }
    let index = fs::read(project.path("state/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 5);
    assert_eq!(left_over(&project), 0);
}

#[tokio::test]
async fn sources_that_cannot_be_a_source() {
    let outside = tempfile::tempdir().unwrap();
    let outside = outside.path().to_owned();
    let cases: [(&str, &dyn Fn(&Path)); 8] = [
        ("leads out", &|web| {
            std::os::unix::fs::symlink("/etc/passwd", web.join("x")).unwrap()
        }),
        ("leads out", &|web| {
            std::os::unix::fs::symlink("../secret", web.join("x")).unwrap()
        }),
        ("leads out", &|web| {
            // Reads as if it stayed inside; it does not, for `here` is the root itself.
            fs::create_dir_all(web.join("a/b")).unwrap();
            std::os::unix::fs::symlink("../..", web.join("a/b/here")).unwrap();
            std::os::unix::fs::symlink("a/b/here/../secret", web.join("x")).unwrap();
        }),
        ("neither file", &|web| {
            let made = Command::new("mkfifo").arg(web.join("x")).status().unwrap();
            assert!(made.success());
        }),
        ("not UTF-8", &|web| {
            use std::os::unix::ffi::OsStrExt as _;
            fs::write(web.join(std::ffi::OsStr::from_bytes(b"x\xff")), "").unwrap();
        }),
        ("line 1", &|web| {
            fs::write(web.join(".steadfastignore"), "!x").unwrap()
        }),
        ("not a directory inside", &|web| {
            fs::remove_dir_all(web).unwrap();
            std::os::unix::fs::symlink(&outside, web).unwrap();
        }),
        ("does not exist", &|web| fs::remove_dir_all(web).unwrap()),
    ];
    for (text, change) in cases {
        let project = Project::new();
        project.write("web/f", "f");
        project.write("secret", "s");
        change(&project.path("web"));
        let error = project
            .store
            .fingerprint("web")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(text) && error.contains("SF0706"),
            "{text}: {error}"
        );
    }
}

#[tokio::test]
async fn the_store_is_no_source_of_itself() {
    let project = Project::new();
    project.write("f", "f");
    let before = project.store.fingerprint(".").await.unwrap();
    let mut spec = project.spec(&[], &[("f", "f")]).await;
    spec.source = ".".to_owned();
    spec.source_digest = project.store.fingerprint(".").await.unwrap();
    built(project.store.build(&spec).await);
    // `web` was made by asking for a specification, and is empty.
    let _ = fs::remove_dir(project.path("web"));
    assert_eq!(project.store.fingerprint(".").await.unwrap(), before);
}

#[tokio::test]
async fn a_directory_of_something_else_is_left_alone() {
    let project = Project::new();
    project.write("web/f", "f");
    project.write("state/oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
    let spec = project.spec(&[], &[("f", "f")]).await;
    let Outcome::Failed { diagnostics, .. } = project.store.build(&spec).await else {
        panic!("must fail");
    };
    assert_eq!(diagnostics.0[0].code, "SF0710");
}
