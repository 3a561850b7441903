//! The suite of `contract` for every resource type.

use crate::bed::{Bed, complete, strings, text, words};
use contract::Provider;
use contract::conformance::{self, Inquires, ProviderFixture};
use host::Builtin;
use value::{Type, Value};

pub(crate) type Given = Vec<(&'static str, Value)>;

/// A resource type by its configurations.
pub(crate) struct Fixture<'a> {
    pub(crate) provider: &'a dyn Provider,
    pub(crate) kind: &'static str,
    pub(crate) config: &'a (dyn Fn(u32) -> Given + Send + Sync),
    pub(crate) changed: (&'static str, Value),
    pub(crate) garbage: Vec<Given>,
    pub(crate) inquires: Inquires,
    pub(crate) outside: bool,
    pub(crate) count: Option<&'a (dyn Fn() -> usize + Send + Sync)>,
}

impl ProviderFixture for Fixture<'_> {
    fn kind(&self) -> &str {
        self.kind
    }
    fn config(&self, n: u32) -> Value {
        complete(self.provider, self.kind, &(self.config)(n))
    }
    fn changed(&self, n: u32) -> Value {
        let mut given = (self.config)(n);
        given.push(self.changed.clone());
        complete(self.provider, self.kind, &given)
    }
    fn garbage(&self) -> Vec<Value> {
        let complete = |given: &Given| complete(self.provider, self.kind, given);
        self.garbage.iter().map(complete).collect()
    }
    fn inquires(&self) -> Inquires {
        self.inquires
    }
    fn outside(&self) -> bool {
        self.outside
    }
    fn count(&self) -> Option<usize> {
        self.count.map(|count| count())
    }
}

#[tokio::test]
async fn host_file_conforms() {
    let contents = [
        ("content", "hello", "goodbye"),
        ("content_base64", "AP8A", "AP8B"),
        ("source", "source.txt", "other.txt"),
    ];
    for (name, content, other) in contents {
        let changes = [
            (name, text(other)),
            ("mode", text("0600")),
            ("mode", text("644")),
            ("path", text("moved.txt")),
        ];
        for changed in changes {
            let bed = Bed::new();
            std::fs::write(bed.path("source.txt"), "from a source").unwrap();
            std::fs::write(bed.path("other.txt"), "from another source").unwrap();
            let fixture = Fixture {
                provider: &bed.host,
                kind: "host_file",
                config: &|n| {
                    vec![
                        ("path", text(&format!("file-{n}.txt"))),
                        (name, text(content)),
                    ]
                },
                changed,
                garbage: vec![
                    vec![("path", text("")), ("content", text(""))],
                    vec![("path", text("a"))],
                    vec![
                        ("path", text("a")),
                        ("content", text("")),
                        ("mode", text("rw")),
                    ],
                ],
                inquires: Inquires::Exactly,
                outside: true,
                count: Some(&|| bed.names().len()),
            };
            conformance::provider(&bed.host, &fixture).await;
        }
    }
}

#[tokio::test]
async fn host_directory_conforms() {
    for changed in [("mode", text("0700")), ("path", text("moved"))] {
        let bed = Bed::new();
        let fixture = Fixture {
            provider: &bed.host,
            kind: "host_directory",
            config: &|n| vec![("path", text(&format!("directory-{n}")))],
            changed,
            garbage: vec![
                vec![("path", text("a/"))],
                vec![("path", text("a")), ("mode", text("9"))],
                vec![("path", Value::null(Type::String))],
            ],
            inquires: Inquires::Exactly,
            outside: true,
            count: Some(&|| bed.names().len()),
        };
        conformance::provider(&bed.host, &fixture).await;
    }
}

#[tokio::test]
async fn host_link_conforms() {
    for changed in [("target", text("there")), ("path", text("moved"))] {
        let bed = Bed::new();
        let fixture = Fixture {
            provider: &bed.host,
            kind: "host_link",
            config: &|n| {
                vec![
                    ("path", text(&format!("link-{n}"))),
                    ("target", text("here")),
                ]
            },
            changed,
            garbage: vec![
                vec![("path", text("a/")), ("target", text("here"))],
                vec![("path", text("a")), ("target", text(""))],
                vec![("path", text("a"))],
            ],
            inquires: Inquires::Exactly,
            outside: true,
            count: Some(&|| bed.names().len()),
        };
        conformance::provider(&bed.host, &fixture).await;
    }
}

pub(crate) fn bad_commands() -> Vec<Given> {
    vec![
        vec![("command", text(" "))],
        vec![("command", words(&[]))],
        vec![("command", Value::number(1))],
        vec![("command", text("true")), ("timeout", text("soon"))],
        vec![("command", text("true")), ("destroy", words(&[""]))],
    ]
}

#[tokio::test]
async fn host_command_with_a_check_conforms() {
    for check in ["creates", "unless"] {
        for changed in [
            ("timeout", text("1h")),
            ("triggers", strings(&[("version", "2")])),
        ] {
            let bed = Bed::new();
            let fixture = Fixture {
                provider: &bed.host,
                kind: "host_command",
                config: &|n| {
                    let made = format!("made-{n}");
                    let done = match check {
                        "creates" => text(&made),
                        _ => text(&format!("test -e {made}")),
                    };
                    vec![
                        ("command", text(&format!("echo made; echo > {made}"))),
                        ("destroy", words(&["rm", "-f", &made])),
                        (check, done),
                    ]
                },
                changed,
                garbage: bad_commands(),
                inquires: Inquires::Partly,
                outside: true,
                count: Some(&|| bed.names().len()),
            };
            conformance::provider(&bed.host, &fixture).await;
        }
    }
}

#[tokio::test]
async fn host_command_without_a_check_conforms() {
    for changed in [
        ("destroy", text("true")),
        ("command", words(&["echo", "other"])),
        ("environment", strings(&[("A", "b")])),
    ] {
        let bed = Bed::new();
        let fixture = Fixture {
            provider: &bed.host,
            kind: "host_command",
            config: &|n| vec![("command", words(&["echo", &n.to_string()]))],
            changed,
            garbage: bad_commands(),
            inquires: Inquires::CannotTell,
            outside: false,
            count: None,
        };
        conformance::provider(&bed.host, &fixture).await;
    }
}

#[tokio::test]
async fn terraform_data_conforms() {
    let builtin = Builtin::new();
    for changed in [
        ("input", Value::number(7)),
        ("input", Value::null(Type::Any)),
        ("triggers_replace", words(&["other"])),
    ] {
        let fixture = Fixture {
            provider: &builtin,
            kind: "terraform_data",
            config: &|n| {
                vec![
                    ("input", words(&["input", &n.to_string()])),
                    ("triggers_replace", words(&["one"])),
                ]
            },
            changed,
            garbage: Vec::new(),
            inquires: Inquires::Derived,
            outside: false,
            count: None,
        };
        conformance::provider(&builtin, &fixture).await;
    }
}
