//! What the properties of every block of Terraform are: arguments (and how the texts in them are read) or blocks. Only
//! what depends on a provider's schema is not here.

use super::forms::Rest::{Arguments, Undecided};

/// How texts in the value of an argument are read. The same text `"${a}"` is a template in one place, four plain
/// characters in another, and a mistake where a reference is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As a template: what is computed.
    Template,
    /// As it stands: what must be known while compiling, where Terraform does not look for sequences either.
    Plain,
    /// As an expression of the native syntax: references, keywords and types. Names of properties too.
    Native,
    /// One entry of `required_providers`: plain, but for `configuration_aliases`, which holds references.
    Provider,
}

/// What the properties of a block are.
pub(crate) struct Form {
    pub(super) arguments: &'static [(&'static str, Reading)],
    pub(super) blocks: &'static [(&'static str, BlockForm)],
    pub(super) rest: Rest,
}

/// A kind of block inside of a form.
#[derive(Clone, Copy)]
pub(crate) struct BlockForm {
    /// What its labels are called.
    pub(super) labels: &'static [&'static str],
    pub(super) form: &'static Form,
}

/// What the properties are that a form does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Arguments. Where a block has none of that name, whoever decodes it says so.
    Arguments(Reading),
    /// A schema knows.
    Undecided,
}

const fn block(labels: &'static [&'static str], form: &'static Form) -> BlockForm {
    BlockForm { labels, form }
}

static TEMPLATES: Form = Form {
    arguments: &[],
    blocks: &[],
    rest: Arguments(Reading::Template),
};

static NATIVE: Form = Form {
    arguments: &[],
    blocks: &[],
    rest: Arguments(Reading::Native),
};

static DYNAMIC: Form = Form {
    arguments: &[("iterator", Reading::Native)],
    blocks: &[("content", block(&[], &BY_SCHEMA))],
    rest: Arguments(Reading::Template),
};

/// The inside of a block that a schema describes.
pub(super) static BY_SCHEMA: Form = Form {
    arguments: &[],
    blocks: &[("dynamic", block(&["type"], &DYNAMIC))],
    rest: Undecided,
};

static PROVISIONER: Form = Form {
    arguments: &[("when", Reading::Native), ("on_failure", Reading::Native)],
    blocks: &[("connection", block(&[], &TEMPLATES))],
    rest: Arguments(Reading::Template),
};

static LIFECYCLE: Form = Form {
    arguments: &[
        ("create_before_destroy", Reading::Plain),
        ("holds_data", Reading::Plain),
        ("ignore_changes", Reading::Native),
        ("replace_triggered_by", Reading::Native),
        ("destroy", Reading::Plain),
    ],
    blocks: &[
        ("precondition", block(&[], &TEMPLATES)),
        ("postcondition", block(&[], &TEMPLATES)),
        ("retry", block(&[], &TEMPLATES)),
        ("health", block(&[], &TEMPLATES)),
    ],
    rest: Arguments(Reading::Template),
};

static RESOURCE: Form = Form {
    arguments: &[
        ("count", Reading::Template),
        ("for_each", Reading::Template),
        ("depends_on", Reading::Native),
        ("provider", Reading::Native),
    ],
    blocks: &[
        ("dynamic", block(&["type"], &DYNAMIC)),
        ("lifecycle", block(&[], &LIFECYCLE)),
        ("connection", block(&[], &TEMPLATES)),
        ("provisioner", block(&["type"], &PROVISIONER)),
    ],
    rest: Undecided,
};

static PROVIDER: Form = Form {
    arguments: &[
        ("alias", Reading::Plain),
        ("version", Reading::Plain),
        ("for_each", Reading::Template),
    ],
    blocks: &[("dynamic", block(&["type"], &DYNAMIC))],
    rest: Undecided,
};

static MODULE: Form = Form {
    arguments: &[
        ("providers", Reading::Native),
        ("depends_on", Reading::Native),
    ],
    blocks: &[],
    rest: Arguments(Reading::Template),
};

static VARIABLE: Form = Form {
    arguments: &[("type", Reading::Native)],
    blocks: &[("validation", block(&[], &TEMPLATES))],
    rest: Arguments(Reading::Plain),
};

static OUTPUT: Form = Form {
    arguments: &[
        ("value", Reading::Template),
        ("depends_on", Reading::Native),
    ],
    blocks: &[("precondition", block(&[], &TEMPLATES))],
    rest: Arguments(Reading::Plain),
};

static BACKEND: Form = Form {
    arguments: &[],
    blocks: &[("workspaces", block(&[], &TEMPLATES))],
    rest: Arguments(Reading::Template),
};

static REQUIRED_PROVIDERS: Form = Form {
    arguments: &[],
    blocks: &[],
    rest: Arguments(Reading::Provider),
};

static TERRAFORM: Form = Form {
    arguments: &[("experiments", Reading::Native)],
    blocks: &[
        ("required_providers", block(&[], &REQUIRED_PROVIDERS)),
        ("backend", block(&["type"], &BACKEND)),
        ("cloud", block(&[], &BACKEND)),
        ("provider_meta", block(&["provider"], &TEMPLATES)),
    ],
    rest: Arguments(Reading::Plain),
};

static IMPORT: Form = Form {
    arguments: &[("to", Reading::Native), ("provider", Reading::Native)],
    blocks: &[],
    rest: Arguments(Reading::Template),
};

static REMOVED: Form = Form {
    arguments: &[("from", Reading::Native)],
    blocks: &[
        ("lifecycle", block(&[], &LIFECYCLE)),
        ("connection", block(&[], &TEMPLATES)),
        ("provisioner", block(&["type"], &PROVISIONER)),
    ],
    rest: Arguments(Reading::Template),
};

static CHECK: Form = Form {
    arguments: &[],
    blocks: &[
        ("data", block(&["type", "name"], &RESOURCE)),
        ("assert", block(&[], &TEMPLATES)),
    ],
    rest: Arguments(Reading::Template),
};

/// A module file as a whole.
pub(super) static FILE: Form = Form {
    arguments: &[],
    blocks: &[
        ("terraform", block(&[], &TERRAFORM)),
        ("provider", block(&["name"], &PROVIDER)),
        ("variable", block(&["name"], &VARIABLE)),
        ("locals", block(&[], &TEMPLATES)),
        ("output", block(&["name"], &OUTPUT)),
        ("resource", block(&["type", "name"], &RESOURCE)),
        ("data", block(&["type", "name"], &RESOURCE)),
        ("ephemeral", block(&["type", "name"], &RESOURCE)),
        ("module", block(&["name"], &MODULE)),
        ("moved", block(&[], &NATIVE)),
        ("import", block(&[], &IMPORT)),
        ("removed", block(&[], &REMOVED)),
        ("check", block(&["name"], &CHECK)),
    ],
    rest: Arguments(Reading::Template),
};

static MOCK: Form = Form {
    arguments: &[("override_during", Reading::Native)],
    blocks: &[],
    rest: Arguments(Reading::Template),
};

static OVERRIDE: Form = Form {
    arguments: &[
        ("target", Reading::Native),
        ("override_during", Reading::Native),
    ],
    blocks: &[],
    rest: Arguments(Reading::Template),
};

/// A file of mocks as a whole.
pub(super) static MOCK_FILE: Form = Form {
    arguments: &[],
    blocks: &[
        ("mock_resource", block(&["type"], &MOCK)),
        ("mock_data", block(&["type"], &MOCK)),
        ("override_resource", block(&[], &OVERRIDE)),
        ("override_data", block(&[], &OVERRIDE)),
    ],
    rest: Arguments(Reading::Template),
};

static MOCK_PROVIDER: Form = Form {
    arguments: &[
        ("alias", Reading::Plain),
        ("source", Reading::Plain),
        ("override_during", Reading::Native),
    ],
    ..MOCK_FILE
};

static PLAN_OPTIONS: Form = Form {
    arguments: &[
        ("mode", Reading::Native),
        ("replace", Reading::Native),
        ("target", Reading::Native),
    ],
    blocks: &[],
    rest: Arguments(Reading::Template),
};

static RUN: Form = Form {
    arguments: &[
        ("command", Reading::Native),
        ("expect_failures", Reading::Native),
        ("providers", Reading::Native),
        ("state_key", Reading::Plain),
    ],
    blocks: &[
        ("variables", block(&[], &TEMPLATES)),
        ("module", block(&[], &TEMPLATES)),
        ("assert", block(&[], &TEMPLATES)),
        ("plan_options", block(&[], &PLAN_OPTIONS)),
        ("override_resource", block(&[], &OVERRIDE)),
        ("override_data", block(&[], &OVERRIDE)),
        ("override_module", block(&[], &OVERRIDE)),
    ],
    rest: Arguments(Reading::Template),
};

/// A test file as a whole.
pub(super) static TEST_FILE: Form = Form {
    arguments: &[],
    blocks: &[
        ("run", block(&["name"], &RUN)),
        ("variables", block(&[], &TEMPLATES)),
        ("provider", block(&["name"], &PROVIDER)),
        ("mock_provider", block(&["name"], &MOCK_PROVIDER)),
        ("override_resource", block(&[], &OVERRIDE)),
        ("override_data", block(&[], &OVERRIDE)),
        ("override_module", block(&[], &OVERRIDE)),
        ("test", block(&[], &TEMPLATES)),
    ],
    rest: Arguments(Reading::Template),
};
