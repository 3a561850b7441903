//! How somebody writes: the habits of one drawn file, from tidy to careless.

use sim::Rng;

/// A writer with habits, and what has been written so far.
pub(super) struct Hand<'r> {
    pub(super) rng: &'r mut Rng,
    pub(super) text: String,
    depth: usize,
    indent: Indent,
    /// Blanks around equals signs and the like, in thousandths of careless places.
    careless: u64,
    /// How often something is commented, in thousandths.
    talkative: u64,
    /// How often a line ends with blanks, in thousandths.
    trailing: u64,
    line_break: &'static str,
    marks: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Indent {
    Spaces(usize),
    Tab,
    /// Anything, line by line.
    Any,
}

const COMMENTS: &[&str] = &[
    "TODO",
    "keep in step with the other region",
    "see the runbook",
    "must stay first",
    "= not an assignment",
    "{ open",
    "closes ]",
    "ünïcode — 日本",
    "",
];

impl<'r> Hand<'r> {
    pub(super) fn new(rng: &'r mut Rng) -> Self {
        let indent = match rng.below(8) {
            0 => Indent::Spaces(0),
            1 | 2 => Indent::Spaces(4),
            3 => Indent::Tab,
            4 => Indent::Any,
            5 => Indent::Spaces(3),
            _ => Indent::Spaces(2),
        };
        let of = |rng: &mut Rng, choices: &[u64]| rng.pick(choices).copied().unwrap_or(0);
        Self {
            indent,
            careless: of(rng, &[0, 50, 300, 700]),
            talkative: of(rng, &[0, 60, 250]),
            trailing: of(rng, &[0, 0, 40, 300]),
            line_break: if rng.chance(80) { "\r\n" } else { "\n" },
            marks: if rng.chance(500) {
                &["#"]
            } else {
                &["#", "//"]
            },
            text: String::new(),
            depth: 0,
            rng,
        }
    }

    pub(super) fn put(&mut self, text: &str) {
        self.text += text;
    }

    /// Blanks where one is usual.
    pub(super) fn blank(&mut self) {
        let blanks = if self.rng.chance(self.careless) {
            self.rng.pick(&["", "  ", "    ", "\t", "   "])
        } else {
            None
        };
        self.text += blanks.copied().unwrap_or(" ");
    }

    /// Blanks where none is usual.
    pub(super) fn gap(&mut self) {
        if self.rng.chance(self.careless / 2) {
            self.blank();
        }
    }

    /// The end of a line: a comment, blanks, the break.
    pub(super) fn end_line(&mut self) {
        if self.rng.chance(self.talkative) {
            self.blank();
            self.line_comment();
        } else if self.rng.chance(self.trailing) {
            self.put("   ");
        }
        let line_break = self.line_break;
        self.put(line_break);
    }

    /// The beginning of a line, with lines before it that say nothing.
    pub(super) fn begin_line(&mut self) {
        if self.rng.chance(self.talkative / 2) {
            self.indent();
            self.line_comment();
            let line_break = self.line_break;
            self.put(line_break);
        }
        if self.rng.chance(60) {
            if self.rng.chance(self.trailing) {
                self.indent();
            }
            let line_break = self.line_break;
            self.put(line_break);
        }
        self.indent();
        if self.rng.chance(self.talkative / 10) {
            self.put("/* here */");
            self.blank();
        }
    }

    pub(super) fn indent(&mut self) {
        let depth = self.depth;
        let blanks = match self.indent {
            Indent::Spaces(width) => " ".repeat(width * depth),
            Indent::Tab => "\t".repeat(depth),
            Indent::Any => " ".repeat(usize::try_from(self.rng.below(9)).unwrap_or(0)),
        };
        self.put(&blanks);
    }

    fn line_comment(&mut self) {
        let mark = self.rng.pick(self.marks).copied().unwrap_or("#");
        let said = self.rng.pick(COMMENTS).copied().unwrap_or("");
        let between = if self.rng.chance(self.careless) {
            ""
        } else {
            " "
        };
        self.text += &format!("{mark}{between}{said}");
    }

    /// A comment inside a line, now and then.
    pub(super) fn aside(&mut self) {
        if self.rng.chance(self.talkative / 12) {
            self.put("/* aside */");
            self.blank();
        }
    }

    pub(super) fn deeper(&mut self) {
        self.depth += 1;
    }

    pub(super) fn back(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(super) fn pick(&mut self, of: &[&'static str]) -> &'static str {
        self.rng.pick(of).copied().unwrap_or("x")
    }

    /// The end of the file, as editors leave it.
    pub(super) fn finish(mut self) -> String {
        let end = self.text.trim_end_matches(['\r', '\n']).len();
        // A heredoc must end with its line.
        if self.rng.chance(60) && !self.text.get(..end).unwrap_or("").ends_with("EOT") {
            self.text.truncate(end);
        }
        self.text
    }
}
