//! Files drawn from a seed: blocks and arguments as modules have them, written by a hand with habits.

use super::style::Hand;
use sim::Rng;

/// Most blocks of a file.
const BLOCKS_MAX: u64 = 9;

const RESOURCES: &[&str] = &[
    "aws_instance",
    "aws_s3_bucket",
    "aws_iam_role",
    "google_compute_network",
    "azurerm_resource_group",
    "kubernetes_deployment_v1",
    "random_password",
    "null_resource",
    "terraform_data",
    "helm_release",
];

const NESTED: &[&str] = &[
    "lifecycle",
    "ingress",
    "root_block_device",
    "timeouts",
    "connection",
    "rule",
    "metadata",
    "spec",
    "filter",
];

/// One file.
pub(super) fn file(rng: &mut Rng) -> String {
    let mut hand = Hand::new(rng);
    for _ in 0..=hand.rng.below(BLOCKS_MAX) {
        hand.begin_line();
        match hand.rng.below(12) {
            0 | 1 => variable(&mut hand),
            2 => labelled(&mut hand, "output", &[]),
            3 => labelled(&mut hand, "module", &[]),
            4 => labelled(&mut hand, "data", RESOURCES),
            5 => bare(&mut hand, "locals"),
            6 => bare(&mut hand, "terraform"),
            7 => labelled(&mut hand, "provider", &[]),
            8 if hand.rng.chance(500) => argument(&mut hand),
            _ => labelled(&mut hand, "resource", RESOURCES),
        }
    }
    hand.finish()
}

fn bare(hand: &mut Hand<'_>, kind: &str) {
    hand.put(kind);
    block(hand, 0);
}

fn labelled(hand: &mut Hand<'_>, kind: &str, types: &[&'static str]) {
    hand.put(kind);
    if !types.is_empty() {
        let of = hand.pick(types);
        label(hand, of);
    }
    let name = hand.pick(&["this", "main", "web", "example", "with-dash"]);
    label(hand, name);
    block(hand, 0);
}

fn label(hand: &mut Hand<'_>, name: &str) {
    hand.put(" ");
    hand.gap();
    hand.aside();
    if hand.rng.chance(80) {
        hand.put(name);
    } else {
        hand.put(&format!("\"{name}\""));
    }
}

/// A block from its opening brace on.
fn block(hand: &mut Hand<'_>, depth: usize) {
    hand.blank();
    hand.put("{");
    match hand.rng.below(12) {
        0 => {
            hand.gap();
            hand.put("}");
            return hand.end_line();
        }
        1 => {
            hand.blank();
            let name = hand.name();
            hand.put(name);
            hand.blank();
            hand.put("=");
            hand.blank();
            hand.value(2, false);
            hand.blank();
            hand.put("}");
            return hand.end_line();
        }
        _ => {}
    }
    hand.end_line();
    hand.deeper();
    let mut names: Vec<&str> = Vec::new();
    for _ in 0..=hand.rng.below(7) {
        hand.begin_line();
        if depth < 3 && hand.rng.chance(220) {
            nested(hand, depth);
            continue;
        }
        // A name is set once.
        let name = hand.name();
        if names.contains(&name) {
            hand.put("nested");
            block(hand, depth + 2);
        } else {
            names.push(name);
            assign(hand, name);
        }
    }
    hand.back();
    hand.indent();
    hand.put("}");
    hand.end_line();
}

fn nested(hand: &mut Hand<'_>, depth: usize) {
    if hand.rng.chance(250) {
        let kind = hand.pick(NESTED);
        hand.put(&format!("dynamic \"{kind}\""));
        return block(hand, depth + 1);
    }
    let kind = hand.pick(NESTED);
    hand.put(kind);
    block(hand, depth + 1);
}

fn argument(hand: &mut Hand<'_>) {
    // At the top of a file names repeat only if they are drawn from so many.
    let number = hand.rng.below(1_000_000);
    assign(hand, &format!("top_{number}"));
}

fn assign(hand: &mut Hand<'_>, name: &str) {
    hand.put(name);
    hand.blank();
    hand.put("=");
    hand.blank();
    hand.aside();
    if hand.rng.chance(50) {
        return heredoc(hand);
    }
    hand.value(0, true);
    hand.end_line();
}

fn heredoc(hand: &mut Hand<'_>) {
    let open = hand.pick(&["<<EOT", "<<-EOT"]);
    hand.put(open);
    hand.put("\n");
    for _ in 0..hand.rng.below(4) {
        let line = hand.pick(&[
            "#!/bin/sh",
            "  a=1",
            "    indented {",
            "${var.name}  x",
            "%{ for x in y ~}",
            "%{ endfor ~}",
            "",
            "}",
            "  \"quoted\" ${ upper ( \"x\" ) }",
            "key = ${a}${b}",
        ]);
        // What opens must close, so the two stand together.
        let line = match line {
            "%{ for x in y ~}" | "%{ endfor ~}" => "%{ for x in y ~}\n  - ${ x }\n%{ endfor ~}",
            line => line,
        };
        hand.put(line);
        hand.put("\n");
    }
    let close = hand.pick(&["EOT", "  EOT", "      EOT"]);
    hand.put(close);
    hand.put("\n");
}

fn variable(hand: &mut Hand<'_>) {
    let number = hand.rng.below(1_000_000);
    hand.put("variable");
    label(hand, &format!("v{number}"));
    hand.blank();
    hand.put("{");
    hand.end_line();
    hand.deeper();
    let of = hand.pick(&[
        "string",
        "\"string\"",
        "\"list\"",
        "\"map\"",
        "list",
        "map",
        "set",
        "list(string)",
        "map ( any )",
        "number",
        "object({a=string,b=optional(number,1)})",
        "object({\n  a = string\n      bb = list(object({ c=bool }))\n})",
        "\"${string}\"",
        "tuple([string,number])",
        "any",
    ]);
    hand.begin_line();
    hand.put("type");
    hand.blank();
    hand.put("=");
    hand.blank();
    hand.put(of);
    hand.end_line();
    for name in ["description", "default", "sensitive"] {
        if hand.rng.chance(500) {
            hand.begin_line();
            assign(hand, name);
        }
    }
    hand.back();
    hand.indent();
    hand.put("}");
    hand.end_line();
}
