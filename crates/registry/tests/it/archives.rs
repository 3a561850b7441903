//! Modules in archives: every kind of packing, over HTTP and from the disk; hostile ones; servers that fail.

use crate::bed::Bed;
use crate::server::{Reply, Server, basic};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const MODULE: &str = "output \"o\" {\n  value = \"packed\"\n}\n";

fn call(source: &str) -> String {
    format!("module \"a\" {{\n  source = \"{source}\"\n}}\n")
}

/// An archive of a module, made by the programs that people use.
fn pack(bed: &Bed, name: &str) -> Option<Vec<u8>> {
    bed.write("packed/main.tf", MODULE);
    bed.write("packed/sub/main.tf", MODULE);
    let _ = std::fs::remove_file(bed.path("packed/link.md"));
    std::os::unix::fs::symlink("sub/main.tf", bed.path("packed/link.md")).unwrap();
    let to = bed.path(name);
    let to = to.to_str().unwrap();
    let mut command = match name.rsplit('.').next().unwrap() {
        "zip" => {
            let mut zip = Command::new("zip");
            zip.args(["-q", "-y", "-r", to, "."]);
            zip
        }
        _ => {
            let mut tar = Command::new("tar");
            tar.args(["--auto-compress", "-cf", to, "."]);
            tar
        }
    };
    let output = command.current_dir(bed.path("packed")).output().ok()?;
    // A machine may lack one of the programs; the crates' own tests have read its format then.
    if !output.status.success() {
        return None;
    }
    std::fs::read(to).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_archive_is_unpacked() {
    let bed = Bed::new("");
    let server = Server::start().await;
    let mut n_packed = 0;
    for name in [
        "m.zip",
        "m.tar",
        "m.tar.gz",
        "m.tgz",
        "m.tar.bz2",
        "m.tar.xz",
        "m.txz",
        "m.tar.zst",
    ] {
        let Some(content) = pack(&bed, name) else {
            continue;
        };
        let digest: String = Sha256::digest(&content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        server.reply(&format!("/{name}"), Reply::new(200, content));
        let file = bed.path(name);
        for source in [
            server.url(&format!("/{name}")),
            format!(
                "{}?checksum=sha256:{digest}",
                server.url(&format!("/{name}"))
            ),
            server.url(&format!("/{name}//sub")),
            file.display().to_string(),
        ] {
            bed.write("project/main.tf", &call(&source));
            assert_eq!(bed.install().await.good(), 1, "{source}");
            assert_eq!(bed.read("project/.terraform/modules/a/sub/main.tf"), MODULE);
            assert_eq!(bed.read("project/.terraform/modules/a/link.md"), MODULE);
            assert!(!bed.compile().diagnostics.has_errors());
        }
        n_packed += 1;
    }
    assert!(n_packed >= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_lead_to_addresses() {
    let bed = Bed::new("");
    let server = Server::start().await;
    let content = pack(&bed, "m.zip").unwrap();
    server.reply("/m.zip", Reply::new(200, content.clone()));
    server.reply("/blob?key=1", Reply::new(200, content));
    let elsewhere = Server::start().await;
    elsewhere.reply(
        "/moved.zip",
        Reply::new(302, "").with("Location", &server.url("/m.zip")),
    );
    server.reply(
        "/header?terraform-get=1",
        Reply::new(200, "").with("X-Terraform-Get", "./m.zip"),
    );
    let page = "<html><head><meta name=\"terraform-get\" content=\"/m.zip//sub\"></head></html>";
    server.reply("/page?terraform-get=1", Reply::new(200, page));
    server.reply(
        "/loop?terraform-get=1",
        Reply::new(200, "").with("X-Terraform-Get", "/loop"),
    );
    server.reply(
        "/round.zip",
        Reply::new(302, "").with("Location", "/round.zip"),
    );
    server.reply("/silent?terraform-get=1", Reply::new(200, "nothing"));
    server.reply(
        "/odd?terraform-get=1",
        Reply::new(200, "").with("X-Terraform-Get", "what/is/this/thing"),
    );
    for (source, directory) in [
        (elsewhere.url("/moved.zip"), "a"),
        (server.url("/header"), "a"),
        (server.url("/header//sub"), "a/sub"),
        (server.url("/page"), "a/sub"),
        (server.url("/blob?archive=zip&key=1"), "a"),
    ] {
        bed.write("project/main.tf", &call(&source));
        assert_eq!(bed.install().await.good(), 1, "{source}");
        let list = bed.read("project/.terraform/modules/modules.json");
        assert!(
            list.contains(&format!("\"Dir\":\".terraform/modules/{directory}\"")),
            "{source}: {list}"
        );
    }
    for (source, part) in [
        (server.url("/loop"), "more than 8 times"),
        (server.url("/round.zip"), "more than 10 times"),
        (server.url("/silent"), "does not say where the module is"),
        (server.url("/odd"), "leads to \"what/is/this/thing\""),
        (server.url("/none.zip"), "404"),
    ] {
        bed.write("project/main.tf", &call(&source));
        bed.install().await.bad("SF1306", part);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fails_is_asked_again_and_nothing_is_kept_in_part() {
    let bed = Bed::new("");
    let server = Server::start().await;
    let content = pack(&bed, "m.zip").unwrap();
    let whole = Reply::new(200, content.clone());
    server.reply(
        "/later.zip",
        Reply {
            n_refusals: 2,
            ..whole.clone()
        },
    );
    bed.write("project/main.tf", &call(&server.url("/later.zip")));
    assert_eq!(bed.install().await.good(), 1);
    assert_eq!(server.asked().len(), 3);
    server.reply(
        "/broken.zip",
        Reply {
            breaks_after: Some(content.len() / 2),
            ..whole.clone()
        },
    );
    server.reply(
        "/always.zip",
        Reply {
            n_refusals: 99,
            ..whole
        },
    );
    server.reply("/denied.zip", Reply::new(403, "no"));
    for (path, part) in [
        ("/broken.zip", "broke before everything had come"),
        ("/always.zip", "503"),
        ("/denied.zip", "403"),
    ] {
        bed.write("project/main.tf", &call(&server.url(path)));
        bed.install().await.bad("SF1306", part);
    }
    // A port where nobody is.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    bed.write(
        "project/main.tf",
        &call(&format!("http://127.0.0.1:{nobody}/m.zip")),
    );
    bed.install().await.bad("SF1306", "cannot be reached");
    let left = std::fs::read_dir(bed.path("project/.terraform/modules")).unwrap();
    let mut left: Vec<_> = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [".steadfast.lock", "a", "modules.json"],
        "what had come before stays, and nothing else"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checksums_and_logins_are_held_to() {
    let bed = Bed::new("");
    let server = Server::start().await;
    server.reply("/m.zip", Reply::new(200, pack(&bed, "m.zip").unwrap()));
    for (checksum, part) in [
        (
            "sha256:".to_owned() + &"0".repeat(64),
            "the address asks for 0000",
        ),
        (
            "md5:d41d8cd98f00b204e9800998ecf8427e".to_owned(),
            "can be forged",
        ),
        ("what".to_owned(), "write sha256:"),
    ] {
        bed.write(
            "project/main.tf",
            &call(&format!("{}?checksum={checksum}", server.url("/m.zip"))),
        );
        bed.install().await.bad("SF1309", part);
    }
    let with_login = server
        .url("/m.zip")
        .replace("http://", "http://user:pass%40word@");
    bed.write("project/main.tf", &call(&with_login));
    let outcome = bed.install().await;
    assert_eq!(outcome.good(), 1);
    assert_eq!(
        server.asked().last().unwrap().1.as_deref(),
        Some(basic("user:pass@word").as_str())
    );
    let shown = format!(
        "{:?}{}",
        outcome.events,
        bed.read("project/.steadfast.lock.hcl")
    );
    assert!(!shown.contains("pass%40word"), "{shown}");
}

/// An entry of a hostile archive: how its header is changed, its name, and what is in it.
enum Hostile {
    File(&'static str),
    Link(&'static str, &'static str),
    HardLink(&'static str, &'static str),
    Device(&'static str),
}

fn hostile_tar(entries: &[Hostile]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        let (name, kind, target) = match entry {
            Hostile::File(name) => (name, tar::EntryType::Regular, ""),
            Hostile::Link(name, target) => (name, tar::EntryType::Symlink, *target),
            Hostile::HardLink(name, target) => (name, tar::EntryType::Link, *target),
            Hostile::Device(name) => (name, tar::EntryType::Char, ""),
        };
        let bytes = &mut header.as_old_mut().name;
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        let content: &[u8] = if matches!(entry, Hostile::File(_)) {
            b"# x"
        } else {
            b""
        };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn hostile_zip(names: &[&str]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in names {
        writer.start_file(*name, stored).unwrap();
        writer.write_all(b"# x").unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_archives_write_nowhere() {
    use Hostile::{Device, File, HardLink, Link};
    let bed = Bed::new("");
    let archives: Vec<(&str, Vec<u8>)> = vec![
        (
            "tar",
            hostile_tar(&[File("main.tf"), File("../escaped.tf")]),
        ),
        (
            "tar",
            hostile_tar(&[File("main.tf"), File("a/../../escaped.tf")]),
        ),
        (
            "tar",
            hostile_tar(&[File("main.tf"), File("/tmp/escaped-by-an-archive.tf")]),
        ),
        (
            "tar",
            hostile_tar(&[File("main.tf"), Link("out", "/etc"), File("out/escaped.tf")]),
        ),
        ("tar", hostile_tar(&[File("main.tf"), Link("out", "..")])),
        (
            "tar",
            hostile_tar(&[File("main.tf"), Link("a/out", "../../x")]),
        ),
        (
            "tar",
            hostile_tar(&[File("main.tf"), Link("main.tf", "other.tf")]),
        ),
        (
            "tar",
            hostile_tar(&[Link("main.tf", "other.tf"), File("main.tf")]),
        ),
        ("tar", hostile_tar(&[File("main.tf"), File("main.tf")])),
        (
            "tar",
            hostile_tar(&[File("main.tf"), File("main.tf/escaped.tf")]),
        ),
        (
            "tar",
            hostile_tar(&[File("main.tf"), HardLink("hard.tf", "/etc/hostname")]),
        ),
        ("tar", hostile_tar(&[File("main.tf"), Device("null")])),
        (
            "tar",
            hostile_tar(&[File("main.tf"), File("back\\slash.tf")]),
        ),
        ("zip", hostile_zip(&["main.tf", "../escaped.tf"])),
        (
            "zip",
            hostile_zip(&["main.tf", "/tmp/escaped-by-an-archive.tf"]),
        ),
        ("zip", hostile_zip(&["main.tf", "a/../../escaped.tf"])),
        ("zip", hostile_zip(&["main.tf", "main.tf/x.tf"])),
        ("zip", b"PK no archive at all".to_vec()),
        ("tar.gz", b"no archive at all".to_vec()),
        ("tar.xz", b"\xfd7zXZ\0 no archive at all".to_vec()),
        ("tar.bz2", b"BZh9 no archive at all".to_vec()),
        ("tar.zst", b"\x28\xb5\x2f\xfd no".to_vec()),
    ];
    for (at, (kind, content)) in archives.iter().enumerate() {
        let path = bed.path(&format!("hostile-{at}.{kind}"));
        std::fs::write(&path, content).unwrap();
        bed.write("project/main.tf", &call(&path.display().to_string()));
        let outcome = bed.install().await;
        outcome.bad("SF1308", "");
        assert!(
            !bed.path("project/.terraform/modules/a").exists(),
            "archive {at}"
        );
    }
    let everywhere = walkdir::WalkDir::new(bed.path("")).into_iter().flatten();
    let escaped =
        everywhere.filter(|entry| entry.file_name().to_string_lossy().starts_with("escaped"));
    assert_eq!(escaped.count(), 0);
    assert!(!Path::new("/tmp/escaped-by-an-archive.tf").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_breaks_anywhere_is_survived() {
    let bed = Bed::new("");
    for name in ["m.zip", "m.tar.gz", "m.tar.xz", "m.tar.bz2", "m.tar.zst"] {
        let Some(content) = pack(&bed, name) else {
            continue;
        };
        for at in (0..content.len()).step_by(content.len() / 24 + 1) {
            let mut flipped = content.clone();
            flipped[at] ^= 0x55;
            for damaged in [content[..at].to_vec(), flipped] {
                let path = bed.path(&format!("damaged-{name}"));
                std::fs::write(&path, &damaged).unwrap();
                let _ = std::fs::remove_dir_all(bed.path("project/.terraform"));
                let _ = std::fs::remove_file(bed.path("project/.steadfast.lock.hcl"));
                bed.write("project/main.tf", &call(&path.display().to_string()));
                // Whether the damage shows depends on where it is; that nothing panics does not.
                let outcome = bed.install().await;
                let codes = outcome
                    .installation
                    .diagnostics
                    .iter()
                    .map(|one| one.code.to_string());
                assert!(
                    codes
                        .into_iter()
                        .all(|code| ["SF1308", "SF1312", "SF1317"].contains(&code.as_str())),
                    "{}",
                    outcome.wrong()
                );
            }
        }
    }
}
