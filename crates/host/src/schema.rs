//! What the types of this room look like.

use crate::builtin::Builtin;
use crate::diag;
use crate::provider::Host;
use crate::thing::SORTS;
use model::{Attribute, BlockSchema, NestedBlock, Nesting, ProviderSchema, TypeSchema};
use std::collections::BTreeMap;
use value::functions::{Declaration, DeclaredParameter, LATE_FILE, declared_name};
use value::{Diagnostic, Name, Type};

/// `terraform.io/builtin/terraform`.
pub(crate) fn builtin() -> ProviderSchema {
    let data = block([
        (
            "input",
            Attribute::optional(
                Type::Any,
                "A value to keep; output is the same once applied.",
            ),
        ),
        (
            "output",
            Attribute::computed(Type::Any, "The value of input, as applied."),
        ),
        (
            "triggers_replace",
            Attribute::optional(Type::Any, "A value whose change replaces the object."),
        ),
        ("id", Attribute::computed(Type::String, "A UUID.")),
    ]);
    ProviderSchema {
        data: types([("terraform_remote_state", remote_state())]),
        ..provider(Builtin::SOURCE, [("terraform_data", data)])
    }
}

fn remote_state() -> BlockSchema {
    block([
        (
            "backend",
            Attribute::required(Type::String, "Where the state is kept; only \"local\"."),
        ),
        (
            "config",
            Attribute::optional(
                Type::Any,
                "Of the backend: `path` of the file, relative to the project's directory, or `workspace_dir`.",
            ),
        ),
        (
            "defaults",
            Attribute::optional(Type::Any, "Values for outputs that the state lacks."),
        ),
        (
            "outputs",
            Attribute::computed(Type::Any, "The root outputs of the other project."),
        ),
        (
            "workspace",
            Attribute::optional(Type::String, "Which workspace; `default` when not set."),
        ),
    ])
}

/// `steadfast.dev/builtin/host`.
pub(crate) fn host() -> ProviderSchema {
    let own = [
        ("host_command", command()),
        ("host_directory", directory()),
        ("host_file", file()),
        ("host_link", link()),
    ];
    let things = SORTS.into_iter().map(|sort| (sort.kind, (sort.schema)()));
    let mut schema = provider(Host::SOURCE, own.into_iter().chain(things));
    schema.functions = functions();
    schema.provider = configuration();
    schema
}

/// What the provider is configured with: which machine, and who acts there.
fn configuration() -> BlockSchema {
    let acts_as = Attribute::optional(
        Type::String,
        "Who acts on the machine, through `sudo -n`; whoever logs in when not set.",
    );
    BlockSchema {
        blocks: BTreeMap::from([(
            "connection".into(),
            NestedBlock {
                nesting: Nesting::Single,
                block: connection(),
                min_items: 0,
                max_items: 1,
            },
        )]),
        ..block([("become", acts_as)])
    }
}

/// How a machine is logged in to: the arguments of the `connection` of a provisioner.
fn connection() -> BlockSchema {
    let said = |ty: Type| {
        move |(name, text): (&'static str, &str)| {
            let mut attribute = Attribute::optional(ty.clone(), text);
            attribute.sensitive = ["password", "private_key"]
                .iter()
                .any(|end| name.ends_with(end));
            (name, attribute)
        }
    };
    let texts = [
        ("type", "Only \"ssh\"."),
        ("user", "Who logs in; \"root\" when not set."),
        ("password", "A password, if keys are not enough."),
        ("private_key", "A private key, as the text of its file."),
        (
            "certificate",
            "A certificate that belongs to the private key.",
        ),
        (
            "agent_identity",
            "Which identity of the agent is tried first.",
        ),
        (
            "host_key",
            "The key that the machine must have; what ~/.ssh/known_hosts says when not set.",
        ),
        (
            "timeout",
            "Time in which it must be reached; \"30s\" for a look and \"5m\" for a change when not set.",
        ),
        ("script_path", "Not used: nothing is put on the machine."),
        ("target_platform", "Only \"unix\"."),
        ("bastion_host", "A machine to go through."),
        ("bastion_host_key", "The key that it must have."),
        ("bastion_user", "Who logs in there."),
        ("bastion_password", "A password for it."),
        ("bastion_private_key", "A private key for it."),
        ("bastion_certificate", "A certificate for it."),
        (
            "proxy_host",
            "Not available: say it in the configuration of `ssh`.",
        ),
    ];
    let host = Attribute::required(Type::String, "Its name or address.");
    let ports = [
        ("port", "Its port; 22 when not set."),
        ("bastion_port", "The port of the machine to go through."),
    ];
    let agent = (
        "agent",
        "Whether the agent of `ssh` is asked; true when not set.",
    );
    block(
        core::iter::once(("host", host))
            .chain(texts.map(said(Type::String)))
            .chain(ports.map(said(Type::Number)))
            .chain([agent].map(said(Type::Bool))),
    )
}

/// Functions of the provider, and those that functions of the language are carried out with.
fn functions() -> BTreeMap<Name, Declaration> {
    let path = DeclaredParameter {
        name: "path".to_owned(),
        ty: Type::String,
        takes_null: false,
        takes_unknown: false,
        description: "Where, relative to the project's directory unless absolute.".to_owned(),
    };
    let content = Declaration {
        parameters: vec![path],
        variadic: None,
        returns: Type::String,
        description: "The content of a file of this machine in base64; null where there is none."
            .to_owned(),
    };
    let name = declared_name(LATE_FILE).map_or("", |(_, function)| function);
    BTreeMap::from([(name.into(), content)])
}

fn file() -> BlockSchema {
    let mut attributes = rights("0644");
    attributes.extend([
        (
            "path",
            Attribute::required(
                Type::String,
                "Where, relative to the project's directory unless absolute. Another path is another file.",
            ),
        ),
        (
            "content",
            Attribute::optional(Type::String, "What it holds, as text (UTF-8)."),
        ),
        (
            "content_base64",
            Attribute::optional(Type::String, "What it holds, as base64 (RFC 4648)."),
        ),
        (
            "source",
            Attribute::optional(
                Type::String,
                "A file to copy, relative to the project's directory.",
            ),
        ),
        ("id", Attribute::computed(Type::String, "The path.")),
        (
            "sha256",
            Attribute::computed(Type::String, "SHA-256 of the content, in hexadecimal."),
        ),
        ("size", Attribute::computed(Type::Number, "Bytes of the content.")),
    ]);
    block(attributes)
}

fn directory() -> BlockSchema {
    let mut attributes = rights("0755");
    attributes.extend([
        (
            "path",
            Attribute::required(
                Type::String,
                "Where, relative to the project's directory unless absolute. Another path is another directory.",
            ),
        ),
        ("id", Attribute::computed(Type::String, "The path.")),
    ]);
    block(attributes)
}

fn link() -> BlockSchema {
    block(vec![
        (
            "path",
            Attribute::required(
                Type::String,
                "Where, relative to the project's directory unless absolute. Another path is another link.",
            ),
        ),
        (
            "target",
            Attribute::required(
                Type::String,
                "Where it leads, as it stands in the link: what is relative is so to the directory of the link. It need not be there.",
            ),
        ),
        ("id", Attribute::computed(Type::String, "The path.")),
    ])
}

fn rights(mode: &str) -> Vec<(&'static str, Attribute)> {
    let mode = format!("Permissions as octal digits, \"{mode}\" when not set.");
    vec![
        ("mode", Attribute::optional_computed(Type::String, &mode)),
        (
            "owner",
            Attribute::optional_computed(
                Type::String,
                "User, by name or number; whoever makes it when not set.",
            ),
        ),
        (
            "group",
            Attribute::optional_computed(
                Type::String,
                "Group, by name or number; as the system gives it when not set.",
            ),
        ),
    ]
}

fn command() -> BlockSchema {
    let strings = || Type::map(Type::String);
    let arguments = [
        (
            "creates",
            Type::String,
            "A path: where it exists the command is not run, and where it vanishes it is run again.",
        ),
        (
            "unless",
            Type::Any,
            "A command that changes nothing: where it ends with 0 the command is not run. It is run at every plan.",
        ),
        (
            "environment",
            strings(),
            "Environment variables, beside PATH, HOME and LANG; nothing else is passed on.",
        ),
        (
            "directory",
            Type::String,
            "Working directory, relative to the project's.",
        ),
        (
            "timeout",
            Type::String,
            "Time after which it is killed; \"5m\" when not set.",
        ),
        ("triggers", strings(), "Values whose change runs it again."),
        (
            "destroy",
            Type::Any,
            "A command to run when the object is destroyed.",
        ),
    ];
    let results = [
        ("id", Type::String, "A name for this run of it."),
        (
            "exit_code",
            Type::Number,
            "Exit status; null when it was not run.",
        ),
        (
            "stdout",
            Type::String,
            "The first 64 KiB of its standard output.",
        ),
        (
            "ran",
            Type::Bool,
            "Whether it was run, or found done already.",
        ),
    ];
    let command = Attribute::required(
        Type::Any,
        "What to run: a list of program and arguments, or one text for /bin/sh -c.",
    );
    let optional = |(name, ty, text)| (name, Attribute::optional(ty, text));
    let computed = |(name, ty, text)| (name, Attribute::computed(ty, text));
    block(
        [("command", command)]
            .into_iter()
            .chain(arguments.map(optional))
            .chain(results.map(computed)),
    )
}

/// A body of attributes.
pub(crate) fn block(
    attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
) -> BlockSchema {
    BlockSchema {
        attributes: attributes
            .into_iter()
            .map(|(name, attribute)| (Name::from(name), attribute))
            .collect(),
        blocks: BTreeMap::new(),
    }
}

fn provider(
    source: &str,
    types: impl IntoIterator<Item = (&'static str, BlockSchema)>,
) -> ProviderSchema {
    ProviderSchema {
        source: source.into(),
        resources: self::types(types),
        ..ProviderSchema::default()
    }
}

fn types(
    types: impl IntoIterator<Item = (&'static str, BlockSchema)>,
) -> BTreeMap<Name, TypeSchema> {
    types
        .into_iter()
        .map(|(kind, block)| (Name::from(kind), TypeSchema { version: 0, block }))
        .collect()
}

/// The body of a resource type.
pub(crate) fn of_type<'a>(
    schema: &'a ProviderSchema,
    kind: &str,
) -> Result<&'a BlockSchema, Diagnostic> {
    match schema.resources.get(kind) {
        Some(of_type) => Ok(&of_type.block),
        None => {
            let what = format!("{} has no resource type {kind}", schema.source);
            Err(diag::unexpected_form(&what))
        }
    }
}

/// The body of a data source.
pub(crate) fn of_data<'a>(
    schema: &'a ProviderSchema,
    kind: &str,
) -> Result<&'a BlockSchema, Diagnostic> {
    match schema.data.get(kind) {
        Some(of_type) => Ok(&of_type.block),
        None => {
            let what = format!("{} has no data source {kind}", schema.source);
            Err(diag::unexpected_form(&what))
        }
    }
}
