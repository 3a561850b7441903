//! Drawn values: what stands behind an equals sign in files of this kind, however it is laid out.

use super::style::Hand;

const NAMES: &[&str] = &[
    "name",
    "region",
    "tags",
    "subnet_ids",
    "vpc_id",
    "environment",
    "instance_type",
    "cidr_block",
    "enabled",
    "policy",
    "id",
    "arn",
    "zone_name",
    "replicas",
    "image",
    "port",
    "x",
    "a_rather_long_argument_name",
    "größe",
];

const WORDS: &[&str] = &[
    "web",
    "prod",
    "eu-west-1",
    "10.0.0.0/16",
    "t3.micro",
    "arn:aws:iam::aws:policy/ReadOnly",
    "*",
    "a b  c",
    "",
    "日本語",
    "100%",
    "a # b",
    "x = y",
    "{",
    "\\\"quoted\\\"",
    "line\\n",
    "$${kept}",
    "%%{kept}",
];

const FUNCTIONS: &[&str] = &[
    "merge",
    "concat",
    "lookup",
    "format",
    "jsonencode",
    "toset",
    "flatten",
    "coalesce",
    "try",
    "core::upper",
    "element",
    "provider::aws::arn_parse",
];

const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||",
];

/// Deepest nesting of drawn values.
const DEPTH_MAX: usize = 4;

impl Hand<'_> {
    pub(super) fn name(&mut self) -> &'static str {
        self.pick(NAMES)
    }

    /// A value, which may go on over several lines if `is_tall`.
    pub(super) fn value(&mut self, depth: usize, is_tall: bool) {
        let kinds = if depth >= DEPTH_MAX { 8 } else { 22 };
        match self.rng.below(kinds) {
            0 | 1 => self.string(depth),
            2 => self.number(),
            3 => {
                let word = self.pick(&["true", "false", "null"]);
                self.put(word);
            }
            4..=6 => self.reference(),
            7 => self.sign(),
            8 | 9 => self.template(depth),
            10..=12 => self.list(depth, is_tall),
            13..=15 => self.object(depth, is_tall),
            16 | 17 => self.call(depth, is_tall),
            18 => self.conditional(depth, is_tall),
            19 => self.operation(depth),
            20 => self.comprehension(depth, is_tall),
            _ => self.parenthesised(depth, is_tall),
        }
    }

    fn string(&mut self, depth: usize) {
        if depth < DEPTH_MAX && self.rng.chance(150) {
            // As it was written before values could stand alone.
            self.put("\"${");
            self.gap();
            self.value(depth + 2, false);
            self.gap();
            return self.put("}\"");
        }
        let word = self.pick(WORDS);
        self.put(&format!("\"{word}\""));
    }

    fn number(&mut self) {
        let number = self.pick(&["0", "1", "443", "1.5", "30e3", "0.000001", "86400"]);
        self.put(number);
    }

    fn sign(&mut self) {
        let sign = self.pick(&["-", "!", "- ", "! "]);
        self.put(sign);
        self.reference();
    }

    fn reference(&mut self) {
        let root = self.pick(&[
            "var",
            "local",
            "module.network",
            "data.aws_ami.ubuntu",
            "aws_instance.web",
            "each.value",
            "random_id.this",
        ]);
        let name = self.name();
        self.put(&format!("{root}.{name}"));
        let tail = self.pick(&[
            "",
            "",
            "",
            "",
            "[0]",
            "[count.index]",
            "[\"a key\"]",
            "[*].id",
            ".*.arn",
            ".0.id",
            " [ 0 ]",
        ]);
        self.put(tail);
    }

    fn template(&mut self, depth: usize) {
        self.put("\"");
        for _ in 0..=self.rng.below(2) {
            let word = self.pick(&["app-", "-", "/", " ", "arn:aws:s3:::", "é "]);
            self.put(word);
            match self.rng.below(5) {
                0 => {
                    self.put("%{ if ");
                    self.reference();
                    self.put(" ~}yes%{else}no%{ endif}");
                }
                1 => {
                    self.put("%{for x in ");
                    self.reference();
                    self.put("}${x},%{ endfor ~}");
                }
                _ => {
                    let open = self.pick(&["${", "${", "${~"]);
                    self.put(open);
                    self.gap();
                    self.value(depth + 2, false);
                    self.gap();
                    let close = if open == "${~" { " ~}" } else { "}" };
                    self.put(close);
                }
            }
        }
        self.put("\"");
    }

    fn list(&mut self, depth: usize, is_tall: bool) {
        self.put("[");
        let is_tall = is_tall && self.rng.chance(450);
        let count = self.rng.below(5);
        if is_tall {
            self.end_line();
            self.deeper();
        }
        for at in 0..count {
            if is_tall {
                self.begin_line();
            } else if at > 0 {
                self.blank();
            } else {
                self.gap();
            }
            self.value(depth + 1, is_tall);
            self.gap();
            if at + 1 < count || is_tall && self.rng.chance(700) {
                self.put(",");
            }
            if is_tall && (self.rng.chance(850) || at + 1 == count) {
                self.end_line();
            }
        }
        if is_tall {
            self.back();
            self.indent();
        } else {
            self.gap();
        }
        self.put("]");
    }

    fn object(&mut self, depth: usize, is_tall: bool) {
        self.put("{");
        let is_tall = is_tall && self.rng.chance(700);
        let count = self.rng.below(5);
        if is_tall {
            self.end_line();
            self.deeper();
        }
        for at in 0..count {
            if is_tall {
                self.begin_line();
            } else {
                self.blank();
            }
            self.key(depth);
            self.blank();
            let sign = self.pick(&["=", "=", "=", ":"]);
            self.put(sign);
            self.blank();
            self.value(depth + 1, is_tall);
            if at + 1 < count && !is_tall || is_tall && self.rng.chance(150) {
                self.put(",");
            }
            if is_tall {
                self.end_line();
            }
        }
        if is_tall {
            self.back();
            self.indent();
        } else {
            self.gap();
        }
        self.put("}");
    }

    fn key(&mut self, depth: usize) {
        match self.rng.below(8) {
            0 | 1 => {
                let key = self.pick(&["\"Name\"", "\"a:b\"", "\"kubernetes.io/role\"", "\"é\""]);
                self.put(key);
            }
            2 => {
                self.put("(");
                self.value(depth + 3, false);
                self.put(")");
            }
            3 => {
                self.put("\"${");
                self.reference();
                self.put("}-x\"");
            }
            _ => {
                let name = self.name();
                self.put(name);
            }
        }
    }

    fn call(&mut self, depth: usize, is_tall: bool) {
        let function = self.pick(FUNCTIONS);
        self.put(function);
        self.gap();
        self.put("(");
        let is_tall = is_tall && self.rng.chance(350);
        let count = self.rng.below(4);
        if is_tall {
            self.end_line();
            self.deeper();
        }
        for at in 0..count {
            if is_tall {
                self.begin_line();
            } else if at > 0 {
                self.blank();
            }
            self.value(depth + 1, true);
            if at + 1 < count {
                self.put(",");
            } else if self.rng.chance(100) {
                self.gap();
                self.put("...");
            }
            if is_tall {
                self.end_line();
            }
        }
        if is_tall {
            self.back();
            self.indent();
        }
        self.put(")");
    }

    fn conditional(&mut self, depth: usize, is_tall: bool) {
        let is_tall = is_tall && self.rng.chance(300);
        if is_tall {
            self.put("(");
            self.end_line();
            self.deeper();
            self.indent();
        }
        self.value(depth + 2, false);
        for sign in ["?", ":"] {
            if is_tall && self.rng.chance(500) {
                self.end_line();
                self.indent();
            } else {
                self.blank();
            }
            self.put(sign);
            self.blank();
            self.value(depth + 1, is_tall);
        }
        if is_tall {
            self.end_line();
            self.back();
            self.indent();
            self.put(")");
        }
    }

    fn operation(&mut self, depth: usize) {
        self.value(depth + 3, false);
        for _ in 0..=self.rng.below(2) {
            let operator = self.pick(OPERATORS);
            self.blank();
            self.put(operator);
            self.blank();
            self.aside();
            self.value(depth + 3, false);
        }
    }

    fn comprehension(&mut self, depth: usize, is_tall: bool) {
        let (open, close) = if self.rng.chance(500) {
            ("[", "]")
        } else {
            ("{", "}")
        };
        let is_tall = is_tall && self.rng.chance(500);
        self.put(open);
        if is_tall {
            self.end_line();
            self.deeper();
            self.indent();
        }
        let head = self.pick(&["for x in ", "for k, v in ", "for i,x in "]);
        self.put(head);
        self.value(depth + 2, false);
        self.gap();
        self.put(":");
        if is_tall && self.rng.chance(500) {
            self.end_line();
            self.indent();
        } else {
            self.blank();
        }
        if open == "{" {
            self.put("x.id");
            self.blank();
            self.put("=>");
            self.blank();
        }
        self.value(depth + 1, is_tall);
        if open == "{" && self.rng.chance(200) {
            self.put("...");
        }
        if self.rng.chance(400) {
            self.put(" if ");
            self.value(depth + 2, false);
        }
        if is_tall {
            self.end_line();
            self.back();
            self.indent();
        }
        self.put(close);
    }

    fn parenthesised(&mut self, depth: usize, is_tall: bool) {
        self.put("(");
        self.gap();
        self.value(depth + 1, is_tall);
        self.gap();
        self.put(")");
    }
}
