//! Every file and directory in `tests/cases` is a case: a project to compile, with what is found in it and what becomes
//! of it written beside it. Adding a case needs no Rust: put the files there and run with `UPDATE_EXPECT=1`.
//!
//! - `name.tf`, `name.tf.json` or `name.hcl`: a project of one file (`main.tf`, `main.tf.json` or `steadfast.hcl`),
//!   expected text in `name.expect`.
//! - `name/`: a project of several files, expected text in `name/expect`. Every `*.tfvars` in it is given as a
//!   variables file, in order; each line of `given.txt` is a value from outside, `-var name=text` or `env name=text`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says by panicking what is wrong"
)]

mod support;

use definition::{CODES, Given, compile};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};
use support::Project;

struct Case {
    project: Project,
    given: Vec<Given>,
    expected: PathBuf,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| case(path)).collect()
}

fn case(path: &Path) -> Option<Case> {
    let mut project = Project::default();
    let mut given = Vec::new();
    if path.is_dir() {
        read_directory(path, "", &mut project);
        project.0.remove("expect");
        let lines = project.0.remove("given.txt").unwrap_or_default();
        for (path, content) in &project.0 {
            if path.ends_with(".tfvars") || path.ends_with(".tfvars.json") {
                given.push(Given::File {
                    path: path.clone(),
                    content: content.clone(),
                });
            }
        }
        given.extend(String::from_utf8(lines).unwrap().lines().map(given_line));
        return Some(Case {
            project,
            given,
            expected: path.join("expect"),
        });
    }
    let name = match path.extension()?.to_str()? {
        "tf" => "main.tf",
        "hcl" => "steadfast.hcl",
        "json" => "main.tf.json",
        _ => return None,
    };
    project.0.insert(name.into(), fs::read(path).unwrap());
    Some(Case {
        project,
        given,
        expected: path.with_extension("").with_extension("expect"),
    })
}

fn read_directory(path: &Path, prefix: &str, project: &mut Project) {
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            read_directory(&entry.path(), &format!("{name}/"), project);
        } else {
            project.0.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn given_line(line: &str) -> Given {
    let (kind, rest) = line.split_once(' ').unwrap();
    let (name, text) = rest.split_once('=').unwrap();
    let (name, text) = (name.to_string(), text.to_string());
    match kind {
        "-var" => Given::Option { name, text },
        "env" => Given::Environment { name, text },
        other => panic!("unknown kind of value {other}"),
    }
}

#[test]
fn every_case_comes_out_as_expected() {
    let update = env::var_os("UPDATE_EXPECT").is_some();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let compiled = compile(&case.project, &case.given, &support::schemas());
        seen.extend(
            compiled
                .diagnostics
                .iter()
                .map(|found| found.code.to_string()),
        );
        let mut text = support::diagnostics(&compiled);
        assert_eq!(
            compiled.release.is_none(),
            compiled.diagnostics.has_errors()
        );
        if let Some(release) = &compiled.release {
            text.push_str(&support::dump::release(release));
            let encoded = model::encode(release);
            assert_eq!(&model::decode::<model::Release>(&encoded).unwrap(), release);
        }
        if update {
            fs::write(&case.expected, &text).unwrap();
        } else if fs::read_to_string(&case.expected).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", case.expected.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    let mut codes: BTreeSet<String> = CODES.iter().map(|(code, _)| code.to_string()).collect();
    // Only in `tests/limits.rs`, because a case for it would be a file of many megabytes.
    codes.remove("SF0122");
    codes.remove("SF0337");
    // Only a console has this function.
    codes.remove("SF0150");
    codes.remove("SF0336");
    // Those of test files are in `tests/testing.rs`.
    codes.retain(|code| !code.starts_with("SF17"));
    let never: Vec<_> = codes.difference(&seen).collect();
    assert!(never.is_empty(), "no case produces {never:?}");
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes");
    let ours = ["SF01", "SF03", "SF04", "SF05", "SF17"];
    let found: BTreeSet<String> = fs::read_dir(&pages)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_string))
        .filter(|code| ours.iter().any(|family| code.starts_with(family)))
        .collect();
    let codes: BTreeSet<String> = CODES.iter().map(|(code, _)| code.to_string()).collect();
    assert_eq!(found, codes);
    for (code, summary) in CODES {
        let page = fs::read_to_string(pages.join(format!("{code}.md"))).unwrap();
        let title = format!("# {code}: {summary}\n");
        assert!(
            page.starts_with(&title),
            "{code}.md does not begin with {title}"
        );
    }
}
