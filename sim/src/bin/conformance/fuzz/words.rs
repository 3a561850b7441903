//! What drawn expressions are made of at their ends: constants, references to the fixtures, and texts that mean
//! something to functions.

/// What is wanted in a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Want {
    Bool,
    Number,
    String,
    List,
    Set,
    Map,
    Tuple,
    Object,
}

pub(super) const WANTS: &[Want] = &[
    Want::Bool,
    Want::Number,
    Want::String,
    Want::List,
    Want::Set,
    Want::Map,
    Want::Tuple,
    Want::Object,
];

/// Leaves of each kind, the plain ones first.
const LEAVES: &[(Want, &[&str])] = &[
    (
        Want::Bool,
        &[
            "true",
            "false",
            "true",
            "false",
            "\"true\"",
            "\"false\"",
            "local.unknown_bool",
            "local.null_bool",
            "sensitive(true)",
            "sensitive(local.unknown_bool)",
        ],
    ),
    (
        Want::Number,
        &[
            "0",
            "1",
            "2",
            "3",
            "10",
            "-1",
            "2.5",
            "-0.5",
            "0.1",
            "1e3",
            "1e-7",
            "1E+2",
            "123456789012345678901234567890",
            "9007199254740993",
            "1e100",
            "0.30000000000000004",
            "\"7\"",
            "\"-2.50\"",
            "local.unknown_number",
            "local.null_number",
            "local.secret_number",
        ],
    ),
    (
        Want::String,
        &[
            "\"\"",
            "\"a\"",
            "\"b\"",
            "\"Hello, World\"",
            "\" x \"",
            "\"5\"",
            "\"true\"",
            "\"\\u00e9\"",
            "\"e\\u0301\"",
            "\"日本語\"",
            "\"a\\tb\\n\\\"c\\\"\\n\"",
            "\"👩‍👩‍👧 x\"",
            "\"$${x} %%{y}\"",
            "\"$\"",
            "\"a,b,,c\"",
            "var.secret",
            "local.some_string",
            "local.unknown_string",
            "local.null_string",
            "local.secret_unknown",
            "terraform_data.string.input",
            "path.module",
            "terraform.workspace",
        ],
    ),
    (
        Want::List,
        &[
            "tolist([\"a\", \"b\"])",
            "tolist([3, 1, 2])",
            "tolist([])",
            "tolist([null, \"a\"])",
            "tolist([true, \"x\"])",
            "tolist([[1], [2, 3]])",
            "tolist([{ a = 1 }, { a = 2 }])",
            "tolist([\"a\", local.unknown_string])",
            "var.secrets",
            "local.unknown_list",
            "local.unknown_numbers",
            "local.null_list",
            "terraform_data.list.input",
        ],
    ),
    (
        Want::Set,
        &[
            "toset([\"b\", \"a\"])",
            "toset([2, 1, 10])",
            "toset([])",
            "toset([true, false])",
            "toset([[\"b\"], [\"a\"]])",
            "toset([{ a = \"x\" }, { a = \"b\" }])",
            "toset([\"a\", local.unknown_string])",
            "toset([null, \"a\"])",
            "local.unknown_set",
            "terraform_data.set.input",
        ],
    ),
    (
        Want::Map,
        &[
            "tomap({ a = \"b\", c = \"d\" })",
            "tomap({ a = 1, b = 2 })",
            "tomap({})",
            "tomap({ a = null })",
            "tomap({ x = [1], y = [2, 3] })",
            "tomap({ a = \"b\", c = local.unknown_string })",
            "tomap({ \"\" = true })",
            "local.unknown_map",
            "local.null_map",
            "terraform_data.map.input",
        ],
    ),
    (
        Want::Tuple,
        &[
            "[]",
            "[1, \"a\", true]",
            "[null]",
            "[[], [1], [[2]]]",
            "[1, 2, 3]",
            "[\"a\", \"b\"]",
            "[sensitive(\"a\"), \"b\"]",
            "[local.unknown_number, 1]",
            "local.unknown_tuple",
            "terraform_data.tuple.input",
        ],
    ),
    (
        Want::Object,
        &[
            "{}",
            "{ a = 1, b = \"x\" }",
            "{ a = { b = [1, 2] } }",
            "{ \"1\" = \"one\", \"x y\" = null }",
            "{ a = null }",
            "{ a = \"b\", n = 2 }",
            "local.inside",
            "local.templates",
            "local.unknown_object",
            "local.null_object",
            "terraform_data.object",
        ],
    ),
];

/// Leaves of a kind.
pub(super) fn leaves(want: Want) -> &'static [&'static str] {
    let mut of_kind = LEAVES.iter().filter(|(kind, _)| *kind == want);
    of_kind.next().map_or(&[], |(_, leaves)| *leaves)
}

/// Leaves that fit anywhere or nowhere.
pub(super) const ANYTHING: &[&str] = &[
    "null",
    "local.unknown_any",
    "sensitive(null)",
    "terraform_data.string.id",
    "sensitive(jsondecode(\"{}\"))",
];

/// Names that nothing has.
pub(super) const NOTHING: &[&str] = &[
    "local.nosuch",
    "var.nosuch",
    "nosuch",
    "nosuch.thing",
    "data.nosuch.thing",
    "terraform_data.nosuch",
    "terraform_data.string.nosuch",
    "module.nosuch",
    "each.key",
    "count.index",
    "self.id",
];

/// Attributes and keys.
pub(super) const NAMES: &[&str] = &["a", "b", "c", "n", "x", "input", "open", "hidden", "nosuch"];

/// Leaves for parameters whose names, or those of their functions, say more than their types: functions, parameters
/// (all where none is named), and what they may be given.
const FOR_PARAMETERS: &[(&[&str], &[&str], &[&str])] = &[
    (
        &["format", "formatlist"],
        &["format"],
        &[
            "\"%s\"",
            "\"%d\"",
            "\"%v and %v\"",
            "\"%5.1f|%-5s|\"",
            "\"%q\"",
            "\"%#v\"",
            "\"%%\"",
            "\"%[2]s %[1]s\"",
            "\"%05d\"",
            "\"%x\"",
            "\"%t\"",
            "\"%e\"",
            "\"%z\"",
            "\"%\"",
            "\"%s %s\"",
            "\"%+d\"",
            "\"%b\"",
            "\"%*d\"",
        ],
    ),
    (
        &["regex", "regexall"],
        &["pattern"],
        &[
            "\"[a-z]+\"",
            "\"(\\\\d+)-(\\\\w)\"",
            "\"(?P<first>.)(?P<rest>.*)\"",
            "\"^$\"",
            "\"(\"",
            "\"a|b\"",
            "\"(a)?b\"",
            "\"(?i)hello\"",
            "\".*\"",
            "\"\"",
            "\"(?P<a>x)(y)\"",
            "\"\\\\p{L}\"",
        ],
    ),
    (
        &["replace"],
        &["substr"],
        &[
            "\"a\"",
            "\"/[a-z]/\"",
            "\"/(.)b/\"",
            "\"\"",
            "\"/(/\"",
            "\"/\"",
        ],
    ),
    (
        &["replace"],
        &["replace"],
        &["\"x\"", "\"$1\"", "\"$${1}y\"", "\"\""],
    ),
    (
        &[],
        &["timestamp", "timestamp_a", "timestamp_b", "time"],
        &[
            "\"2024-02-29T12:30:00Z\"",
            "\"2017-11-22T00:00:00+02:00\"",
            "\"2024-13-01T00:00:00Z\"",
            "\"\"",
            "\"2024-01-01\"",
            "\"2024-12-31T23:59:59.999Z\"",
            "\"0001-01-01T00:00:00Z\"",
        ],
    ),
    (
        &["formatdate"],
        &["format"],
        &[
            "\"YYYY-MM-DD'T'hh:mm:ssZ\"",
            "\"EEEE, DD-MMM-YY HH:mm aa ZZZ\"",
            "\"'it''s'\"",
            "\"x\"",
            "\"h H s m D M\"",
            "\"'\"",
            "\"YYY\"",
            "\"ZZZZ ZZZZZ\"",
        ],
    ),
    (
        &[],
        &["duration"],
        &[
            "\"1h\"",
            "\"-90m30s\"",
            "\"1.5h\"",
            "\"x\"",
            "\"\"",
            "\"100us\"",
            "\"1d\"",
        ],
    ),
    (
        &["cidrhost", "cidrnetmask", "cidrsubnet", "cidrsubnets"],
        &["prefix"],
        &[
            "\"10.0.0.0/8\"",
            "\"192.168.1.5/24\"",
            "\"fd00:fd12:3456:7890::/56\"",
            "\"0.0.0.0/0\"",
            "\"10.0.0.0\"",
            "\"10.0.0.0/33\"",
            "\"1.2.3.4/32\"",
            "\"::/0\"",
            "\"010.1.1.1/8\"",
        ],
    ),
    (
        &["parseint"],
        &["number"],
        &[
            "\"ff\"", "\"-101\"", "\"zZ\"", "\"\"", "\"1_0\"", "\"+7\"", "\"0x1f\"", "12",
        ],
    ),
    (
        &[],
        &["base"],
        &["2", "10", "16", "62", "63", "0", "1", "36"],
    ),
    (
        &[],
        &["encoding"],
        &[
            "\"UTF-8\"",
            "\"utf-16le\"",
            "\"ISO-8859-1\"",
            "\"nosuch\"",
            "\"windows-1252\"",
            "\"\"",
        ],
    ),
    (
        &["jsondecode"],
        &[],
        &[
            "\"{\\\"a\\\":[1,null,true]}\"",
            "\"[1,2,\\\"x\\\"]\"",
            "\"\\\"x\\\"\"",
            "\"1e3\"",
            "\"{\"",
            "\"\"",
            "\"null\"",
            "\"{\\\"a\\\":1,\\\"a\\\":2}\"",
            "\"1 2\"",
            "\"[1,]\"",
            "jsonencode({ a = [1] })",
        ],
    ),
    (
        &["yamldecode"],
        &[],
        &[
            "\"a: 1\\nb: [x, y]\"",
            "\"- 1\\n- ~\\n- true\"",
            "\"a: &x 1\\nb: *x\"",
            "\"x\"",
            "\"\"",
            "\"a: b: c\"",
            "\"!!set {a, b}\"",
            "\"1_000\"",
            "\"0x10\"",
            "\"{a: 1\"",
            "\"? x\\n: y\"",
            "\"|\\n  a\\n  b\"",
            "\"yes\"",
            "\"2001-01-01\"",
            "yamlencode({ a = [1] })",
        ],
    ),
    (
        &["csvdecode"],
        &[],
        &[
            "\"a,b\\n1,2\\n3,4\"",
            "\"a,a\\n1,2\"",
            "\"a\\n\\\"x\"",
            "\"\"",
            "\"a,b\\n1\"",
            "\"a\\n\"",
        ],
    ),
    (
        &["base64decode", "textdecodebase64"],
        &["str", "source"],
        &["\"aGVsbG8=\"", "\"aGVsbG8\"", "\"!!\"", "\"//8=\"", "\"\""],
    ),
    (&["urldecode"], &[], &["\"a%20b+c\"", "\"%zz\""]),
    (
        &[
            "file",
            "filebase64",
            "filemd5",
            "filesha1",
            "filesha256",
            "filesha512",
            "filebase64sha256",
            "filebase64sha512",
            "fileexists",
        ],
        &["path"],
        &[
            "\"hello.txt\"",
            "\"empty.txt\"",
            "\"nosuch.txt\"",
            "\"binary.bin\"",
            "\"nested\"",
            "\"./nested/../hello.txt\"",
            "\"\"",
            "\"nested/a.txt\"",
        ],
    ),
    (
        &["fileset"],
        &["path"],
        &["\".\"", "\"nested\"", "path.module", "\"nosuch\""],
    ),
    (
        &["fileset"],
        &["pattern"],
        &[
            "\"*.txt\"",
            "\"**/*.txt\"",
            "\"{hello,empty}.*\"",
            "\"[\"",
            "\"nested/?.txt\"",
        ],
    ),
    (
        &["templatefile"],
        &["path"],
        &[
            "\"t.tftpl\"",
            "\"plain.tftpl\"",
            "\"value.tftpl\"",
            "\"nosuch.tftpl\"",
        ],
    ),
    (
        &["templatefile", "templatestring"],
        &["vars"],
        &[
            "{ name = \"x\", items = [\"a\", \"b\"], v = [1] }",
            "{ name = 1, items = toset([\"z\"]), v = null }",
            "{}",
            "{ name = local.unknown_string, items = local.unknown_list, v = {} }",
            "tomap({ name = \"m\" })",
            "{ \"1x\" = 2 }",
        ],
    ),
    (
        &["templatestring"],
        &["template"],
        &[
            "local.template",
            "local.template_for",
            "local.template_wrong",
            "local.templates.a",
        ],
    ),
    (
        &[
            "element",
            "slice",
            "substr",
            "chunklist",
            "range",
            "indent",
            "pow",
            "log",
        ],
        NUMBERS,
        &["0", "1", "2", "3", "-1", "10", "1.5", "-2"],
    ),
    (
        &["cidrhost", "cidrsubnet", "cidrsubnets"],
        &[],
        &["0", "1", "4", "8", "-1", "24", "255", "300", "64"],
    ),
];

/// Leaves for the parameter of a function; none where any of its type will do.
pub(super) fn for_parameter(function: &str, parameter: &str) -> &'static [&'static str] {
    let among = |names: &[&str], name: &str| names.is_empty() || names.contains(&name);
    let mut fitting = FOR_PARAMETERS.iter().filter(|(functions, parameters, _)| {
        among(functions, function) && among(parameters, parameter)
    });
    fitting.next().map_or(&[], |(_, _, leaves)| *leaves)
}

const NUMBERS: &[&str] = &[
    "index",
    "start_index",
    "end_index",
    "offset",
    "length",
    "size",
    "params",
    "spaces",
    "num",
    "power",
];
