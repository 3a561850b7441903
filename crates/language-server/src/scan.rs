//! Where in a text the cursor stands, from the words before it alone.
//!
//! While somebody types, the text rarely parses, and what is behind the cursor says little. So this reads the text up
//! to the cursor once, keeping nothing but what is open: blocks, brackets, strings, heredocs. It never fails; in doubt
//! it says [`Place::Nothing`], and nothing is suggested.

use crate::limits::OPENINGS_MAX;

/// Where the cursor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// The words of the headers of all blocks around it, outermost first: `["resource", "terraform_data", "a"]`.
    pub(crate) blocks: Vec<Vec<String>>,
    /// What may stand there.
    pub(crate) place: Place,
}

/// What may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An argument or a block.
    Statement,
    /// A label of a block whose words so far are these.
    Label(Vec<String>),
    /// A part of an expression.
    Expression {
        /// The argument it is the value of.
        argument: String,
        /// Names before the last dot: `["module", "net"]` for `module.net.`.
        trail: Vec<String>,
    },
    /// Nothing that is known here: a comment, a text.
    Nothing,
}

/// Something that was opened and not closed.
enum Opening {
    /// A block, with its words and what its own body has begun.
    Block(Vec<String>),
    /// `(`, `[` or `{` of an expression; the trail before it goes on behind it.
    Bracket(Vec<String>),
    /// A quoted text.
    Quote,
    /// A heredoc that ends with this word.
    Heredoc(String),
    /// `${` or `%{` in a text.
    Sequence,
}

/// A statement in the making.
#[derive(Default)]
struct Statement {
    words: Vec<String>,
    /// The words are over: the value of this argument follows.
    argument: Option<String>,
}

#[derive(Default)]
struct Scanner {
    openings: Vec<Opening>,
    statement: Statement,
    trail: Vec<String>,
    /// The trail ends with a dot.
    dotted: bool,
}

/// Reads a text up to the cursor.
pub(crate) fn scan(before: &str) -> Context {
    let mut scanner = Scanner::default();
    let mut rest = before;
    let mut place = None;
    while !rest.is_empty() && scanner.openings.len() < OPENINGS_MAX {
        let step = match scanner.openings.last() {
            Some(Opening::Quote) => scanner.quoted(rest),
            Some(Opening::Heredoc(end)) => {
                let end = end.clone();
                scanner.heredoc(rest, &end)
            }
            _ => scanner.plain(rest),
        };
        match step {
            Some(after) => rest = after,
            None => {
                place = Some(Place::Nothing);
                break;
            }
        }
    }
    let place = place.unwrap_or_else(|| scanner.place(before));
    let blocks = scanner.openings.into_iter().filter_map(|one| match one {
        Opening::Block(words) => Some(words),
        _ => None,
    });
    Context {
        blocks: blocks.collect(),
        place,
    }
}

/// The word that ends at the end of a text, which is what somebody is typing.
pub(crate) fn typed(before: &str) -> &str {
    let start = before
        .char_indices()
        .rev()
        .take_while(|(_, one)| is_word(*one))
        .last()
        .map_or(before.len(), |(at, _)| at);
    before.get(start..).unwrap_or("")
}

/// The same with the colons between the parts of a function's name.
pub(crate) fn name_begun(before: &str) -> &str {
    let start = before
        .char_indices()
        .rev()
        .take_while(|(_, one)| is_word(*one) || *one == ':')
        .last()
        .map_or(before.len(), |(at, _)| at);
    before.get(start..).unwrap_or("")
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or("")
}

impl Scanner {
    /// Outside of texts. None when the text ends inside of a comment.
    fn plain<'t>(&mut self, rest: &'t str) -> Option<&'t str> {
        let first = rest.chars().next()?;
        if rest.starts_with('#') || rest.starts_with("//") {
            return rest.find('\n').map(|at| skip(rest, at));
        }
        if rest.starts_with("/*") {
            return rest.find("*/").map(|at| skip(rest, at + 2));
        }
        if is_word(first) {
            let end = rest.find(|one| !is_word(one)).unwrap_or(rest.len());
            self.word(rest.get(..end).unwrap_or(""));
            return Some(skip(rest, end));
        }
        if self.statement.argument.is_some() && rest.starts_with("<<") {
            return Some(self.open_heredoc(rest));
        }
        match first {
            '\n' => self.line_ends(),
            '"' => return self.quote(rest),
            '{' if self.statement.argument.is_none() => {
                let words = std::mem::take(&mut self.statement.words);
                self.openings.push(Opening::Block(words));
                self.forget();
            }
            '{' | '(' | '[' => {
                let trail = std::mem::take(&mut self.trail);
                self.openings.push(Opening::Bracket(trail));
                self.dotted = false;
            }
            '}' | ')' | ']' => self.close(),
            '=' if self.statement.argument.is_none() => {
                let words = std::mem::take(&mut self.statement.words);
                self.statement.argument = Some(words.into_iter().next_back().unwrap_or_default());
                self.forget();
            }
            '.' if !self.trail.is_empty() => self.dotted = true,
            ' ' | '\t' | '\r' => {
                if !self.dotted {
                    self.trail.clear();
                }
            }
            _ => self.forget(),
        }
        Some(skip(rest, first.len_utf8()))
    }

    fn forget(&mut self) {
        self.trail.clear();
        self.dotted = false;
    }

    fn word(&mut self, word: &str) {
        if self.statement.argument.is_none() {
            self.statement.words.push(word.to_owned());
            return;
        }
        if !self.dotted {
            self.trail.clear();
        }
        self.trail.push(word.to_owned());
        self.dotted = false;
    }

    fn line_ends(&mut self) {
        self.forget();
        if matches!(self.openings.last(), None | Some(Opening::Block(_))) {
            self.statement = Statement::default();
        }
    }

    fn close(&mut self) {
        self.forget();
        match self.openings.pop() {
            Some(Opening::Bracket(trail)) => self.trail = trail,
            Some(Opening::Block(_)) | None => self.statement = Statement::default(),
            Some(Opening::Sequence | Opening::Quote | Opening::Heredoc(_)) => {}
        }
    }

    /// A quotation mark: a label as a whole, or the beginning of a text.
    fn quote<'t>(&mut self, rest: &'t str) -> Option<&'t str> {
        let inside = skip(rest, 1);
        if self.statement.argument.is_some() {
            self.openings.push(Opening::Quote);
            return Some(inside);
        }
        let end = inside.find(['"', '\n']);
        let label = inside.get(..end.unwrap_or(inside.len()))?;
        match end {
            Some(at) if inside.get(at..)?.starts_with('"') => {
                self.statement.words.push(label.to_owned());
                Some(skip(inside, at + 1))
            }
            // The mark is missing: the line ends the label.
            Some(at) => Some(skip(inside, at)),
            None => Some(""),
        }
    }

    fn quoted<'t>(&mut self, rest: &'t str) -> Option<&'t str> {
        let first = rest.chars().next()?;
        if let Some(after) = self.sequence(rest) {
            return Some(after);
        }
        match first {
            '\\' => {
                let escaped = skip(rest, 1).chars().next().map_or(0, char::len_utf8);
                return Some(skip(rest, 1 + escaped));
            }
            '"' => {
                self.openings.pop();
            }
            // A text ends with its line, whatever is missing.
            '\n' => {
                self.openings.pop();
                return Some(rest);
            }
            _ => {}
        }
        Some(skip(rest, first.len_utf8()))
    }

    fn heredoc<'t>(&mut self, rest: &'t str, end: &str) -> Option<&'t str> {
        if let Some(after) = self.sequence(rest) {
            return Some(after);
        }
        let first = rest.chars().next()?;
        let after = skip(rest, first.len_utf8());
        if first == '\n' {
            let line = after.split('\n').next().unwrap_or("");
            if line.trim() == end && after.contains('\n') {
                self.openings.pop();
                return Some(skip(after, line.len()));
            }
        }
        Some(after)
    }

    /// `${` and `%{`, but not `$${` and `%%{`.
    fn sequence<'t>(&mut self, rest: &'t str) -> Option<&'t str> {
        if rest.starts_with("$${") || rest.starts_with("%%{") {
            return Some(skip(rest, 3));
        }
        if rest.starts_with("${") || rest.starts_with("%{") {
            self.openings.push(Opening::Sequence);
            self.forget();
            return Some(skip(rest, 2));
        }
        None
    }

    fn open_heredoc<'t>(&mut self, rest: &'t str) -> &'t str {
        let after = skip(rest, 2);
        let after = after.strip_prefix('-').unwrap_or(after);
        let end = after.find(|one| !is_word(one)).unwrap_or(after.len());
        let word = after.get(..end).unwrap_or("");
        if !word.is_empty() {
            self.openings.push(Opening::Heredoc(word.to_owned()));
        }
        self.forget();
        skip(after, end)
    }

    fn place(&self, before: &str) -> Place {
        if let Some(Opening::Quote | Opening::Heredoc(_)) = self.openings.last() {
            return Place::Nothing;
        }
        let word = typed(before);
        let Some(argument) = &self.statement.argument else {
            let mut words = self.statement.words.clone();
            let open = before
                .rsplit('\n')
                .next()
                .is_some_and(|line| line.matches('"').count() % 2 == 1);
            if open {
                return Place::Label(words);
            }
            if !word.is_empty() {
                words.pop();
            }
            return if words.is_empty() {
                Place::Statement
            } else {
                Place::Label(words)
            };
        };
        let mut trail = self.trail.clone();
        if !word.is_empty() {
            trail.pop();
        } else if !self.dotted {
            trail.clear();
        }
        Place::Expression {
            argument: argument.clone(),
            trail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(before: &str) -> String {
        let context = scan(before);
        let blocks: Vec<String> = context.blocks.iter().map(|words| words.join(" ")).collect();
        let place = match context.place {
            Place::Statement => "statement".to_owned(),
            Place::Label(words) => format!("label after {}", words.join(" ")),
            Place::Expression { argument, trail } => {
                format!("{argument} = {}", trail.join("."))
            }
            Place::Nothing => "nothing".to_owned(),
        };
        format!("[{}] {place}", blocks.join("/"))
    }

    #[test]
    fn the_place_of_the_cursor() {
        let data = "resource \"terraform_data\" \"a\" {\n";
        for (before, expected) in [
            ("", "[] statement"),
            ("res", "[] statement"),
            ("resource \"", "[] label after resource"),
            ("resource \"terra", "[] label after resource"),
            (
                "resource \"terraform_data\" \"",
                "[] label after resource terraform_data",
            ),
            (data, "[resource terraform_data a] statement"),
            ("locals {\n  a = 1\n  b", "[locals] statement"),
            ("locals {\n  a = var", "[locals] a = "),
            ("locals {\n  a = var.", "[locals] a = var"),
            ("locals {\n  a = var.x.y", "[locals] a = var.x"),
            ("locals {\n  a = module.m[0].", "[locals] a = module.m"),
            ("locals {\n  a = f(1, local.", "[locals] a = local"),
            ("locals {\n  a = { b = local.", "[locals] a = local"),
            ("locals {\n  a = \"x", "[locals] nothing"),
            ("locals {\n  a = \"x${var.", "[locals] a = var"),
            ("locals {\n  a = \"x${var.b}", "[locals] nothing"),
            ("locals {\n  a = \"$${", "[locals] nothing"),
            ("locals {\n  a = <<-E\n  x ${local.", "[locals] a = local"),
            ("locals {\n  a = <<E\n  x\nE\n  b = ", "[locals] b = "),
            ("locals {\n  # var.", "[locals] nothing"),
            ("locals { /* } */ a = [\n1,\nvar.", "[locals] a = var"),
            ("a {\n  b {\n  }\n", "[a] statement"),
            ("a {\n}\n", "[] statement"),
            ("}}}) a", "[] statement"),
            ("locals {\n  a = \"unclosed\n  b = var.", "[locals] b = var"),
            ("locals {\n  a = x + y.", "[locals] a = y"),
            ("locals {\n  a = x ", "[locals] a = "),
        ] {
            assert_eq!(show(before), expected, "{before}");
        }
    }

    #[test]
    fn any_beginning_of_any_text_has_a_place() {
        let text = "a \"b\" {\n x = \"${[{(<<-E\n é \nE\n %{ if }\\\" */ # //\n}}\"\n";
        for (at, _) in text.char_indices() {
            scan(&text[..at]);
        }
    }
}
