//! What each kind of block may hold, in words for people: what completion suggests and hover says.
//!
//! This is a help, not a check: what a block must and may hold is decided by `definition`, and what a provider adds
//! comes from its schema.

/// A kind of block.
pub(crate) struct Form {
    pub(crate) kind: &'static str,
    /// What it is for, in a sentence.
    pub(crate) says: &'static str,
    pub(crate) arguments: &'static [(&'static str, &'static str)],
    pub(crate) blocks: &'static [&'static Form],
}

macro_rules! form {
    ($kind:literal, $says:literal, [$($argument:literal: $about:literal),* $(,)?], [$($block:expr),* $(,)?]) => {
        Form {
            kind: $kind,
            says: $says,
            arguments: &[$(($argument, $about)),*],
            blocks: &[$($block),*],
        }
    };
}

static VALIDATION: Form = form!(
    "validation",
    "A rule for the values of a variable.",
    ["condition": "Must be true.", "error_message": "Said when it is not."],
    []
);
static PRECONDITION: Form = form!(
    "precondition",
    "Must hold before it is planned or changed.",
    ["condition": "Must be true.", "error_message": "Said when it is not."],
    []
);
static POSTCONDITION: Form = form!(
    "postcondition",
    "Must hold after it was changed; `self` is the object.",
    ["condition": "Must be true.", "error_message": "Said when it is not."],
    []
);
static ASSERT: Form = form!(
    "assert",
    "Something that should hold; if not, there is a warning.",
    ["condition": "Should be true.", "error_message": "Said when it is not."],
    []
);
static LIFECYCLE: Form = form!(
    "lifecycle",
    "How changes of the resource are carried out.",
    [
        "create_before_destroy": "A replacement makes the new object before it destroys the old one.",
        "prevent_destroy": "Plans that destroy it are refused.",
        "ignore_changes": "Attributes that keep what they have, or `all`.",
        "replace_triggered_by": "It is replaced when any of these changes.",
        "holds_data": "Taking back a run does not destroy it unless that is said.",
        "drift": "What becomes of it when it is changed outside: `observe`, `warn` or `heal`.",
    ],
    [&PRECONDITION, &POSTCONDITION, &RETRY, &HEALTH]
);
static HEALTH: Form = form!(
    "health",
    "What is looked at after the object was made or changed, until it is healthy.",
    [
        "http": "An http:// address that must answer.",
        "status": "Status of the answer, or a list; any from 200 to 299 if not set.",
        "tcp": "A host and port that must take connections.",
        "command": "A command and its arguments that must end with 0.",
        "interval": "Pause between two looks, such as \"1s\".",
        "deadline": "Longest time until it must be healthy, such as \"1m\".",
        "successes": "Looks in a row that must find it healthy.",
        "on_failure": "\"hold\", \"continue\" or \"rollback\".",
    ],
    []
);
static RETRY: Form = form!(
    "retry",
    "How often and after which pauses calls about the object are tried again.",
    [
        "attempts": "Most attempts, the first one included.",
        "base": "First pause, which doubles with each attempt, such as \"1s\".",
        "cap": "Longest pause, such as \"30s\".",
        "on": "Patterns: an error whose summary or detail fits one of them passes.",
    ],
    []
);
static CONNECTION: Form = form!(
    "connection",
    "How provisioners reach the machine.",
    [
        "type": "`ssh` or `winrm`.",
        "host": "Address of the machine.",
        "port": "Port on it.",
        "user": "Who to log in as.",
        "password": "Password of the user.",
        "private_key": "Key of the user, as text.",
        "timeout": "How long to try, such as \"5m\".",
    ],
    []
);
static PROVISIONER: Form = form!(
    "provisioner",
    "Something that is run when the resource is made or destroyed.",
    [
        "when": "`create` (default) or `destroy`.",
        "on_failure": "`fail` (default) or `continue`.",
        "command": "What `local-exec` runs.",
        "inline": "Commands that `remote-exec` runs.",
        "source": "What `file` copies.",
        "destination": "Where `file` copies to.",
    ],
    [&CONNECTION]
);
static RESOURCE: Form = form!(
    "resource",
    "An object that is made, changed and destroyed here.",
    [
        "count": "So many instances, with `count.index` in each.",
        "for_each": "One instance for each key, with `each.key` and `each.value` in it.",
        "depends_on": "What must be done before, although nothing refers to it.",
        "provider": "Another configuration of its provider.",
    ],
    [&LIFECYCLE, &PROVISIONER, &CONNECTION, &DYNAMIC]
);
static DATA: Form = form!(
    "data",
    "An object that is only read.",
    [
        "count": "So many instances, with `count.index` in each.",
        "for_each": "One instance for each key, with `each.key` and `each.value` in it.",
        "depends_on": "What must be done before it is read.",
        "provider": "Another configuration of its provider.",
    ],
    [&LIFECYCLE, &DYNAMIC]
);
static EPHEMERAL: Form = form!(
    "ephemeral",
    "A value that is fetched when it is needed and never written down.",
    [
        "count": "So many instances, with `count.index` in each.",
        "for_each": "One instance for each key, with `each.key` and `each.value` in it.",
        "depends_on": "What must be done before it is opened.",
        "provider": "Another configuration of its provider.",
    ],
    [&LIFECYCLE, &DYNAMIC]
);
static CONTENT: Form = form!("content", "What each of the blocks holds.", [], []);
static DYNAMIC: Form = form!(
    "dynamic",
    "One nested block for each element of a collection.",
    [
        "for_each": "The collection.",
        "iterator": "Name of the element, if not that of the block.",
        "labels": "Labels of the blocks.",
    ],
    [&CONTENT]
);
static REQUIRED_PROVIDERS: Form = form!(
    "required_providers",
    "Which providers the module uses: `name = { source, version }`.",
    [],
    []
);
static BACKEND: Form = form!("backend", "Where Terraform keeps its state.", [], []);
static CLOUD: Form = form!("cloud", "Terraform's hosted service.", [], []);

/// Everything that may stand at the top of a file.
pub(crate) static TOP: &[&Form] = &[
    &form!(
        "terraform",
        "Settings of the module.",
        ["required_version": "Versions that may be used, such as \">= 1.9\"."],
        [&REQUIRED_PROVIDERS, &BACKEND, &CLOUD]
    ),
    &form!(
        "provider",
        "A configuration of a provider.",
        ["alias": "Name of a further configuration of the same provider."],
        []
    ),
    &form!(
        "variable",
        "A value that the caller of the module gives.",
        [
            "type": "What it must be, such as list(string).",
            "default": "Its value when none is given.",
            "description": "What it is for.",
            "nullable": "Whether null is a value of it (true).",
            "sensitive": "It is never shown.",
            "ephemeral": "It is never written down.",
        ],
        [&VALIDATION]
    ),
    &form!(
        "locals",
        "Values with names, for use in the module.",
        [],
        []
    ),
    &form!(
        "output",
        "A value that the module gives to its caller.",
        [
            "value": "The value.",
            "description": "What it is.",
            "sensitive": "It is not shown.",
            "ephemeral": "It is never written down.",
            "depends_on": "What must be done before it is used.",
        ],
        [&PRECONDITION]
    ),
    &RESOURCE,
    &DATA,
    &EPHEMERAL,
    &form!(
        "module",
        "Another module, with values for its variables.",
        [
            "source": "Where it is: a path such as ./net, or an address.",
            "version": "Which versions of a registry's module.",
            "providers": "Configurations of providers handed to it.",
            "count": "So many instances, with `count.index` in each.",
            "for_each": "One instance for each key, with `each.key` and `each.value` in it.",
            "depends_on": "What must be done before anything in it.",
        ],
        []
    ),
    &form!(
        "moved",
        "Something has another address than before.",
        ["from": "The address it had.", "to": "The address it has."],
        []
    ),
    &form!(
        "import",
        "An object that exists becomes a resource of this module.",
        [
            "to": "Address of the resource.",
            "id": "What the provider knows the object by.",
            "for_each": "One import for each key.",
            "provider": "Another configuration of its provider.",
        ],
        []
    ),
    &form!(
        "removed",
        "Something is no longer part of this module.",
        ["from": "The address it had."],
        [&LIFECYCLE, &PROVISIONER]
    ),
    &form!(
        "check",
        "Something that is looked at after every plan and apply.",
        [],
        [&DATA, &ASSERT]
    ),
];

/// The form of the innermost of nested blocks, by their kinds; none where a schema decides or nothing is known.
pub(crate) fn form(kinds: &[&str]) -> Option<&'static Form> {
    let mut forms = TOP;
    let mut found = None;
    for kind in kinds {
        let form = forms.iter().find(|form| form.kind == *kind)?;
        forms = form.blocks;
        found = Some(*form);
    }
    found
}

/// Names that an expression can begin with, with what they stand for.
pub(crate) const ROOTS: &[(&str, &str)] = &[
    ("var", "Variables of the module."),
    ("local", "Local values of the module."),
    ("module", "Outputs of called modules."),
    ("data", "Objects that are only read."),
    ("ephemeral", "Values that are never written down."),
    (
        "each",
        "Key and value of this instance, where for_each is set.",
    ),
    ("count", "Number of this instance, where count is set."),
    (
        "self",
        "The object itself, in postconditions and provisioners.",
    ),
    (
        "path",
        "Directories: of the module, of the root module, of the command.",
    ),
    ("terraform", "The workspace."),
];

/// Attributes of roots that are the same everywhere.
pub(crate) const FIXED: &[(&str, &str, &str)] = &[
    ("each", "key", "Key of this instance."),
    (
        "each",
        "value",
        "What for_each has at the key of this instance.",
    ),
    ("count", "index", "Number of this instance, from 0."),
    ("path", "module", "Directory of the module this stands in."),
    ("path", "root", "Directory of the root module."),
    ("path", "cwd", "Directory the command runs in."),
    ("terraform", "workspace", "Name of the workspace."),
    (
        "terraform",
        "applying",
        "Whether changes are being carried out. Ephemeral.",
    ),
];

/// What a trail stands for, where that is the same everywhere.
pub(crate) fn fixed(trail: &[&str]) -> Option<&'static str> {
    match trail {
        [root] => ROOTS
            .iter()
            .find(|(name, _)| name == root)
            .map(|(_, says)| *says),
        [root, name] => FIXED
            .iter()
            .find(|(fixed, attribute, _)| fixed == root && attribute == name)
            .map(|(_, _, says)| *says),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_found_by_the_kinds_around_them() {
        assert_eq!(
            form(&["resource", "lifecycle", "precondition"])
                .unwrap()
                .kind,
            "precondition"
        );
        assert!(form(&["resource", "tags"]).is_none());
        assert!(form(&[]).is_none());
    }

    /// Whatever is suggested must be what the compiler knows.
    #[test]
    fn every_kind_is_one_that_the_language_has() {
        for form in TOP {
            let labels = match form.kind {
                "resource" | "data" | "ephemeral" => " \"a\" \"b\"",
                "provider" | "variable" | "output" | "module" | "check" => " \"a\"",
                _ => "",
            };
            let text = format!("{}{labels} {{}}\n", form.kind);
            let found = checked(&text);
            assert!(!found.contains("SF0303"), "{}: {found}", form.kind);
        }
        assert!(checked("resourze \"a\" \"b\" {}\n").contains("SF0303"));
    }

    fn checked(text: &str) -> String {
        struct One(Vec<u8>);
        impl definition::Files for One {
            fn list(&self, directory: &str) -> Option<Vec<String>> {
                (directory == ".").then(|| vec!["main.tf".to_owned()])
            }
            fn read(&self, _: &str) -> Option<Vec<u8>> {
                Some(self.0.clone())
            }
        }
        let checked = definition::validate(&One(text.as_bytes().to_vec()), &[], &[]);
        let codes = checked.diagnostics.0.iter().map(|one| &*one.code);
        codes.collect::<Vec<_>>().join(" ")
    }
}
