//! `host_file`: what is written and how, what is taken over, what is refused, and what drifts. Not here: the life of
//! an object, which is the suite's.

use crate::bed::{Bed, action, code, deletion, fifo, is_deleted, refusal, text};
use contract::{Answer, Inquiry, Outcome, Provider};
use proptest::prelude::*;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use value::{Type, Value};

const KIND: &str = "host_file";

fn file(content: &str) -> [(&'static str, Value); 2] {
    [("path", text("f")), ("content", text(content))]
}

/// Something done to the file under test.
type Act<'a> = &'a dyn Fn(&Path);

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn remove(path: &Path) {
    if std::fs::symlink_metadata(path).unwrap().is_dir() {
        std::fs::remove_dir(path).unwrap();
    } else {
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn content_mode_digest_and_size_are_as_configured() {
    let bed = Bed::new();
    let mut given = file("hello\n").to_vec();
    given.push(("mode", text("666")));
    let made = bed.create(KIND, &given).await;
    assert_eq!(std::fs::read_to_string(bed.path("f")).unwrap(), "hello\n");
    let metadata = std::fs::metadata(bed.path("f")).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o666, "whatever the umask");
    let expected = [
        (
            "sha256",
            text("5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"),
        ),
        ("size", Value::number(6)),
        ("id", text("f")),
        ("mode", text("666")),
    ];
    for (name, value) in expected {
        assert_eq!(made.get(name), Some(&value), "{name}");
    }
    assert_eq!(bed.names(), ["f"], "no temporary file stays behind");
}

#[tokio::test]
async fn an_absolute_path_and_an_empty_file_work() {
    let bed = Bed::new();
    let path = bed.path("empty");
    let config = [
        ("path", text(path.to_str().unwrap())),
        ("content", text("")),
    ];
    let made = bed.create(KIND, &config).await;
    assert_eq!(made.get("size"), Some(&Value::number(0)));
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}

#[tokio::test]
async fn bad_configurations_are_refused() {
    let bed = Bed::new();
    let path = || ("path", text("f"));
    let content = || ("content", text(""));
    let at = |path: &str| vec![("path", text(path)), content()];
    let cases = [
        (at(""), "SF0801"),
        (at("a/"), "SF0801"),
        (at(".."), "SF0801"),
        (at("/"), "SF0801"),
        (at("a\0b"), "SF0801"),
        (at(&"x".repeat(4_097)), "SF0801"),
        (vec![path(), ("source", text("d/"))], "SF0801"),
        (vec![path(), ("source", text("."))], "SF0801"),
        (vec![path(), content(), ("mode", text("0o644"))], "SF0802"),
        (vec![path()], "SF0804"),
        (vec![path(), content(), ("source", text("s"))], "SF0804"),
        (vec![path(), ("content_base64", text("%"))], "SF0804"),
        (vec![path(), ("source", text("missing"))], "SF0805"),
        (vec![content()], "SF0821"),
        (vec![path(), ("content", Value::bool(true))], "SF0821"),
    ];
    for (given, expected) in cases {
        let config = bed.config(KIND, &given);
        assert_eq!(bed.refused_plan(KIND, &config).await, expected, "{given:?}");
    }
    let two = [("path", text("")), content(), ("mode", text("x"))];
    let config = bed.config(KIND, &two);
    let found = bed
        .host
        .validate(model::Mode::Managed, &KIND.into(), &config)
        .await;
    let codes: Vec<&str> = found.iter().map(|found| &*found.code).collect();
    assert_eq!(codes, ["SF0801", "SF0802"], "all of them at once");
}

#[tokio::test]
async fn a_source_that_is_too_large_is_refused() {
    let bed = Bed::new();
    let source = std::fs::File::create(bed.path("s")).unwrap();
    source.set_len((64 << 20) + 1).unwrap();
    let config = bed.config(KIND, &[("path", text("f")), ("source", text("s"))]);
    assert_eq!(bed.refused_plan(KIND, &config).await, "SF0824");
}

#[tokio::test]
async fn what_is_unknown_at_the_plan_is_planned_unknown_and_nothing_else() {
    let bed = Bed::new();
    let unknown = || Value::unknown(Type::String);
    let config = bed.config(KIND, &[("path", unknown()), ("content", unknown())]);
    let planned = bed.plan(KIND, &config, None).await.planned;
    let entries = planned.entries().unwrap().iter();
    let unknowns: Vec<&str> = entries
        .filter(|(_, value)| !value.is_known())
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(
        unknowns,
        ["content", "group", "id", "owner", "path", "sha256", "size"]
    );
    assert_eq!(planned.get("mode"), Some(&text("0644")));
}

#[tokio::test]
async fn the_place_must_be_there() {
    let bed = Bed::new();
    std::fs::write(bed.path("plain"), "").unwrap();
    let long = "n".repeat(300);
    let cases = [
        ("missing/f", "SF0806"),
        ("plain/f", "SF0807"),
        (long.as_str(), "SF0801"),
    ];
    for (path, expected) in cases {
        let given = [("path", text(path)), ("content", text(""))];
        let outcome = bed.apply(&bed.creation(KIND, &given).await).await;
        assert_eq!(refusal(&outcome), expected, "{path}");
    }
    assert_eq!(bed.names(), ["plain"]);
}

#[tokio::test]
async fn what_stands_there_is_taken_over_only_if_it_is_exactly_as_planned() {
    let bed = Bed::new();
    let create = bed.creation(KIND, &file("mine")).await;
    let path = bed.path("f");
    let put = |path: &Path, content: &str, mode| {
        std::fs::write(path, content).unwrap();
        set_mode(path, mode);
    };
    let cases: [(&str, Act<'_>); 5] = [
        ("other content", &|path| put(path, "theirs", 0o644)),
        ("other mode", &|path| put(path, "mine", 0o600)),
        ("a directory", &|path| std::fs::create_dir(path).unwrap()),
        ("a link to the same", &|path| {
            put(&path.with_file_name("g"), "mine", 0o644);
            symlink("g", path).unwrap();
        }),
        ("a broken link", &|path| symlink("nowhere", path).unwrap()),
    ];
    let inode = || std::fs::symlink_metadata(&path).unwrap().ino();
    for (name, act) in cases {
        act(&path);
        let before = inode();
        assert_eq!(refusal(&bed.apply(&create).await), "SF0808", "{name}");
        let inquiry = bed.inquire(&create).await;
        assert!(
            matches!(inquiry, Inquiry::Unclear { .. }),
            "{name}: {inquiry:?}"
        );
        assert_eq!(before, inode(), "{name}: it was touched");
        remove(&path);
    }
    put(&path, "mine", 0o644);
    let before = inode();
    let adopted = bed.made(&create).await;
    assert_eq!(before, inode());
    let read = bed.read(KIND, &adopted).await.object;
    assert_eq!(read, Some(adopted));
}

#[tokio::test]
async fn every_drift_is_read_and_mended() {
    let bed = Bed::new();
    let path = bed.path("f");
    let large = "x".repeat(100_000);
    let all: &[&str] = &["content", "sha256", "size"];
    let cases: [(&str, Act<'_>, &[&str]); 5] = [
        (
            "edited",
            &|path| std::fs::write(path, "edited").unwrap(),
            all,
        ),
        (
            "same size",
            &|path| std::fs::write(path, "miny").unwrap(),
            &all[..2],
        ),
        (
            "no text",
            &|path| std::fs::write(path, b"\xff\xfe").unwrap(),
            all,
        ),
        ("large", &|path| std::fs::write(path, &large).unwrap(), all),
        ("mode", &|path| set_mode(path, 0o4755), &["mode"]),
    ];
    let made = bed.create(KIND, &file("mine")).await;
    for (name, act, attributes) in cases {
        act(&path);
        let drifted = bed.read(KIND, &made).await.object.unwrap();
        let names = made.entries().unwrap().keys().map(|name| &**name);
        let different: Vec<&str> = names
            .filter(|attribute| made.get(attribute) != drifted.get(attribute))
            .collect();
        assert_eq!(different, attributes, "{name}");
        let mend = bed.update(KIND, &drifted, &file("mine")).await;
        assert_eq!(bed.made(&mend).await, made, "{name}");
        let inquiry = bed.inquire(&mend).await;
        assert!(matches!(inquiry, Inquiry::Found(_)), "{name}: {inquiry:?}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine", "{name}");
        let read = bed.read(KIND, &made).await.object;
        assert_eq!(read.as_ref(), Some(&made), "{name}");
    }
}

#[tokio::test]
async fn a_twin_of_the_content_in_another_normal_form_is_still_drift() {
    let bed = Bed::new();
    let made = bed.create(KIND, &file("\u{e9}")).await;
    std::fs::write(bed.path("f"), "e\u{301}").unwrap();
    let drifted = bed.read(KIND, &made).await.object.unwrap();
    assert_ne!(made.get("sha256"), drifted.get("sha256"));
    let config = bed.config(KIND, &file("\u{e9}"));
    let plan = bed.plan(KIND, &config, Some(&drifted)).await;
    assert_ne!(plan.planned, drifted, "an update is planned");
}

#[tokio::test]
async fn a_file_that_is_gone_or_something_else_is_gone() {
    let bed = Bed::new();
    let made = bed.create(KIND, &file("mine")).await;
    let path = bed.path("f");
    remove(&path);
    let answer = bed.read(KIND, &made).await;
    assert_eq!((answer.object, answer.diagnostics.is_empty()), (None, true));

    let cases: [(&str, Act<'_>); 3] = [
        ("link", &|path| symlink("/etc/passwd", path).unwrap()),
        ("pipe", &fifo),
        ("directory", &|path| std::fs::create_dir(path).unwrap()),
    ];
    for (name, act) in cases {
        act(&path);
        let answer = bed.read(KIND, &made).await;
        assert_eq!(answer.object, None, "{name}");
        assert_eq!(code(&answer.diagnostics), "SF0823", "{name}");
        let update = bed.update(KIND, &made, &file("other")).await;
        assert_eq!(refusal(&bed.apply(&update).await), "SF0808", "{name}");
        let delete = deletion(KIND, &made);
        assert_eq!(refusal(&bed.apply(&delete).await), "SF0808", "{name}");
        let inquiry = bed.inquire(&delete).await;
        assert!(
            matches!(inquiry, Inquiry::Unclear { .. }),
            "{name}: {inquiry:?}"
        );
        remove(&path);
    }
}

#[tokio::test]
async fn an_inquiry_into_an_update_tells_before_after_gone_and_else() {
    let bed = Bed::new();
    let made = bed.create(KIND, &file("one")).await;
    let update = bed.update(KIND, &made, &file("two")).await;
    assert_eq!(bed.inquire(&update).await, Inquiry::Absent);
    std::fs::write(bed.path("f"), "two").unwrap();
    let Inquiry::Found(Outcome::Changed { object, .. }) = bed.inquire(&update).await else {
        panic!("not found")
    };
    assert_eq!(object.unwrap().get("content"), Some(&text("two")));
    std::fs::write(bed.path("f"), "three").unwrap();
    let Inquiry::Unclear { what } = bed.inquire(&update).await else {
        panic!("not unclear")
    };
    assert!(what.contains("digest"), "{what}");
    remove(&bed.path("f"));
    assert_eq!(bed.inquire(&update).await, Inquiry::Absent);
    bed.made(&update).await;
    assert_eq!(std::fs::read(bed.path("f")).unwrap(), b"two");
}

#[tokio::test]
async fn content_is_replaced_whole_and_mode_is_changed_in_place() {
    let bed = Bed::new();
    let made = bed.create(KIND, &file("one")).await;
    let inode = || std::fs::metadata(bed.path("f")).unwrap().ino();
    let first = inode();
    let mut given = file("one").to_vec();
    given.push(("mode", text("0640")));
    let chmod = bed.update(KIND, &made, &given).await;
    let made = bed.made(&chmod).await;
    assert_eq!(inode(), first, "a new mode is set on the file itself");
    // An old file that stays open keeps its inode, so the new one must have another.
    let _old = std::fs::File::open(bed.path("f")).unwrap();
    let update = bed.update(KIND, &made, &file("two")).await;
    bed.made(&update).await;
    assert_ne!(inode(), first, "new content comes with a new file");
    assert_eq!(bed.names(), ["f"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reader_never_sees_half_a_file() {
    const WRITES: usize = 100;
    let bed = Bed::new();
    let wholes = ["a".repeat(300_000), "b".repeat(200_000)];
    let mut made = bed.create(KIND, &file(&wholes[0])).await;
    let over = std::sync::Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (path, over, wholes) = (bed.path("f"), over.clone(), wholes.clone());
        move || {
            let (mut reads, mut torn) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                let seen = std::fs::read_to_string(&path).unwrap();
                reads += 1;
                torn += usize::from(!wholes.contains(&seen));
            }
            (reads, torn)
        }
    });
    for n in 1..=WRITES {
        let update = bed.update(KIND, &made, &file(&wholes[n % 2])).await;
        made = bed.made(&update).await;
    }
    over.store(true, Ordering::Relaxed);
    let (reads, torn) = reader.join().unwrap();
    assert!(reads > 0);
    assert_eq!(torn, 0, "torn among {reads} reads");
}

#[tokio::test]
async fn an_attempt_that_was_killed_leaves_nothing_behind_after_the_next() {
    let bed = Bed::new();
    let leftover = bed.path(&format!(".steadfast-{}.tmp", action()));
    std::fs::write(&leftover, "half a fi").unwrap();
    set_mode(&leftover, 0);
    bed.create(KIND, &file("whole")).await;
    assert_eq!(bed.names(), ["f"]);
    assert_eq!(std::fs::read(bed.path("f")).unwrap(), b"whole");
}

#[tokio::test]
async fn a_source_that_changed_after_the_plan_is_not_copied() {
    let bed = Bed::new();
    let write = |content: &str| std::fs::write(bed.path("s"), content).unwrap();
    write("planned");
    let given = [("path", text("f")), ("source", text("s"))];
    let create = bed.creation(KIND, &given).await;
    write("changed");
    assert_eq!(refusal(&bed.apply(&create).await), "SF0805");
    assert!(!bed.path("f").exists());
    write("planned");
    let made = bed.made(&create).await;
    write("changed");
    let plan = bed.plan(KIND, &bed.config(KIND, &given), Some(&made)).await;
    assert_ne!(plan.planned, made, "an update is planned");
}

#[tokio::test]
async fn owners_are_set_and_keep_the_words_they_were_given_in() {
    let bed = Bed::new();
    let given = |owner: &str, group: &str, mode: &str| {
        let mut given = file("").to_vec();
        given.extend([
            ("owner", text(owner)),
            ("group", text(group)),
            ("mode", text(mode)),
        ]);
        given
    };
    let nobody = given("no-such-account", "0", "0644");
    let outcome = bed.apply(&bed.creation(KIND, &nobody).await).await;
    assert_eq!(refusal(&outcome), "SF0803");

    let me = std::fs::metadata(bed.path("")).unwrap();
    let (uid, gid) = (me.uid().to_string(), me.gid().to_string());
    let made = bed.create(KIND, &given(&uid, &gid, "0644")).await;
    assert_eq!(made.get("owner"), Some(&text(&uid)), "not the name of it");
    let read = bed.read(KIND, &made).await.object;
    assert_eq!(read.as_ref(), Some(&made));

    let update = bed
        .update(KIND, &made, &given("12345", "23456", "4755"))
        .await;
    if me.uid() == 0 {
        let made = bed.made(&update).await;
        let metadata = std::fs::metadata(bed.path("f")).unwrap();
        assert_eq!(
            (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777),
            (12_345, 23_456, 0o4755)
        );
        std::os::unix::fs::chown(bed.path("f"), Some(0), None).unwrap();
        let drifted = bed.read(KIND, &made).await.object.unwrap();
        assert_eq!(drifted.get("owner"), Some(&text("root")));
    } else {
        assert_eq!(refusal(&bed.apply(&update).await), "SF0809");
    }
}

#[tokio::test]
async fn what_cannot_be_read_or_written_is_said() {
    let bed = Bed::new();
    let made = bed.create(KIND, &file("mine")).await;
    if std::fs::metadata(bed.path("")).unwrap().uid() == 0 {
        println!("skipped: to root nothing is forbidden");
        return;
    }
    set_mode(&bed.path("f"), 0);
    let Answer::Failed(found) = bed.ask_read(KIND, &made).await else {
        panic!("read what cannot be read")
    };
    assert_eq!(code(&found), "SF0809");
    set_mode(&bed.path(""), 0o555);
    let delete = deletion(KIND, &made);
    let outcome = bed.apply(&delete).await;
    set_mode(&bed.path(""), 0o755);
    assert_eq!(refusal(&outcome), "SF0809");
    assert!(is_deleted(&bed.apply(&delete).await));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any content arrives as it is; any configuration is refused or planned, never a panic.
    #[test]
    fn any_content_and_any_configuration(
        content in ".{0,200}",
        path in "\\PC{0,20}",
        mode in "[0-9a-z]{0,6}",
        base64 in proptest::option::of(".{0,12}"),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let bed = Bed::new();
            let made = bed.create(KIND, &file(&content)).await;
            let kept = made.get("content").and_then(Value::as_str).unwrap();
            assert_eq!(std::fs::read(bed.path("f")).unwrap(), kept.as_bytes());
            let read = bed.read(KIND, &made).await.object;
            assert_eq!(read.as_ref(), Some(&made));
            let base64 = base64.map_or_else(|| Value::null(Type::String), Value::string);
            let given = [("path", text(&path)), ("mode", text(&mode)), ("content_base64", base64)];
            let config = bed.config(KIND, &given);
            let valid = !bed.host.validate(model::Mode::Managed, &KIND.into(), &config).await.has_errors();
            let planned = matches!(bed.ask_plan(KIND, &config, None).await, Answer::Plan(_));
            assert_eq!(valid, planned);
        });
    }
}
