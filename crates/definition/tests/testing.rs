//! Every test file in `tests/testing` is a case: what is read from it, and what its runs come to when each run before
//! has the output `o`, is written beside it. Adding a case needs no Rust: `UPDATE_EXPECT=1` writes what comes out.
//!
//! All of them test `main.tf`. Whether they mean what they mean to terraform is compared by the conformance suite
//! `test`, which carries files out.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says by panicking what is wrong"
)]

mod support;

use definition::{CODES, Compiled, Given, Results, Source, TestFile};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};
use support::Project;
use value::{Diagnostics, Name, SourceId, Span, Value};

/// The module that runs may name.
const NET: &str = "variable \"x\" {\n  default = 1\n}\nresource \"test_thing\" \"n\" {\n  for_each = toset([\"k\"])\n  name = each.key\n}\noutput \"zone\" {\n  value = \"z\"\n}\n";

/// A file of mocks.
const MOCKS: &str = "mock_data \"test_thing\" {\n  defaults = { name = \"of file\" }\n}\nmock_resource \"test_thing\" {\n  defaults = { name = \"loses\" }\n}\n";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testing")
}

/// Findings about a test file, whose texts count down from the last number.
fn told(
    mut found: Diagnostics,
    file: &TestFile,
    mut sources: Vec<Source>,
) -> (String, Vec<String>) {
    let own = sources.len() as u32;
    for (path, content) in &file.sources {
        let (path, content) = (path.clone(), content.clone());
        sources.push(Source { path, content });
    }
    let moved = |span: &mut Span| {
        let at = u32::MAX - span.source.0;
        if (at as usize) < file.sources.len() {
            span.source = SourceId(own + at);
        }
    };
    for one in &mut found.0 {
        one.span.iter_mut().for_each(moved);
        one.hints
            .iter_mut()
            .flat_map(|hint| &mut hint.span)
            .for_each(moved);
    }
    let codes = found.iter().map(|one| one.code.to_string()).collect();
    let compiled = Compiled {
        sources,
        diagnostics: found,
        ..Compiled::default()
    };
    (support::diagnostics(&compiled), codes)
}

/// What a file comes to, and the codes of what is wrong with it.
fn come_out(name: &str, content: Vec<u8>) -> (String, Vec<String>) {
    let main = fs::read(directory().join("main.tf")).unwrap();
    let project = Project(BTreeMap::from([
        ("main.tf".to_string(), main),
        ("net/main.tf".to_string(), NET.into()),
        ("mocks/data.tfmock.hcl".to_string(), MOCKS.into()),
    ]));
    let given = [Given::Option {
        name: "given".to_string(),
        text: "g".to_string(),
    }];
    let (file, found) = TestFile::read(name, content, &project);
    let (mut text, mut codes) = told(found, &file, Vec::new());
    let mut results = Results {
        given: definition::given_values(&project, &given),
        runs: BTreeMap::new(),
    };
    let outputs = Value::object(BTreeMap::from([(Name::from("o"), Value::string("v"))]));
    for run in &file.runs {
        let mut found = Diagnostics::new();
        writeln!(
            text,
            "run {}: {:?} {:?} module {:?} state {:?} parallel {}",
            run.name, run.command, run.options, run.module, run.state_key, run.parallel
        )
        .unwrap();
        let values = run.values(&file, &results, &project);
        let values = values.unwrap_or_else(|why| {
            found.extend(why);
            BTreeMap::new()
        });
        for (name, (value, _)) in &values {
            writeln!(text, "  {name} = {}", value.render()).unwrap();
        }
        match run.expected() {
            Ok(expected) => {
                let names: Vec<String> = expected.into_iter().map(|one| one.address).collect();
                writeln!(text, "  expects {}", names.join(", ")).unwrap();
            }
            Err(why) => found.extend(why),
        }
        let sources = match file.under_test(run, values.clone()) {
            Ok(under_test) => {
                let schemas = support::schemas();
                let compiled =
                    definition::compile_under_test(&project, &given, &schemas, &under_test);
                let release = compiled
                    .release
                    .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
                let (substitutes, why) = file.substitutes(run, &release);
                found.extend(why);
                for mock in substitutes.mocks {
                    let kinds = (mock.resources.keys(), mock.data.keys());
                    let (local, alias) = (mock.local, mock.alias);
                    writeln!(text, "  mock {local} {alias:?} {:?} {kinds:?}", mock.during).unwrap();
                }
                for one in substitutes.overrides {
                    let values = one.substitute.values.render().replace('\n', " ");
                    writeln!(text, "  override {:?} {values}", one.target).unwrap();
                }
                let under_test = (&release, schemas.as_slice());
                let (assertions, why) =
                    run.assertions(&file, &results, &values, under_test, &outputs);
                found.extend(why);
                for one in assertions {
                    writeln!(text, "  assertion looks at {} parts", one.parts.len()).unwrap();
                }
                compiled.sources
            }
            Err(why) => {
                found.extend(why);
                Vec::new()
            }
        };
        let (said, more) = told(found, &file, sources);
        text.push_str(&said);
        codes.extend(more);
        results.runs.insert(run.name.clone(), outputs.clone());
    }
    (text, codes)
}

#[test]
fn every_test_file_comes_out_as_expected() {
    let update = env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut endings = definition::TEST_FILE_ENDINGS.iter();
        let Some(stem) = endings.find_map(|ending| name.strip_suffix(ending)) else {
            continue;
        };
        let (text, codes) = come_out(name, fs::read(&path).unwrap());
        seen.extend(codes);
        let expected = directory().join(format!("{stem}.expect"));
        if update {
            fs::write(&expected, &text).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    let ours = CODES.iter().map(|(code, _)| code.to_string());
    let never: Vec<String> = ours
        .filter(|code| code.starts_with("SF17") && !seen.contains(code))
        .collect();
    assert!(never.is_empty(), "no case produces {never:?}");
}
