//! A small reader of expressions in source notation, for case files only: enough of the grammar to write a case as one
//! would write it in a configuration. It knows no comments, heredocs or error recovery; the real parser lives in
//! `definition`.

use std::iter::Peekable;
use std::vec::IntoIter;
use value::{BinaryOperator, Expr, ExprKind, Name, Reference, Span, UnaryOperator, Value};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(String),
    /// Parts of a quoted template: literal text or the source of an interpolation.
    Quoted(Vec<Result<String, String>>),
    Word(String),
    Sign(&'static str),
}

const SIGNS: [&str; 35] = [
    "...", "[*]", "::", "=>", "==", "!=", "<=", ">=", "&&", "||", ".*", "(", ")", "[", "]", "{",
    "}", ",", ":", "?", ".", "=", "<", ">", "+", "-", "*", "/", "%", "!", "~", "@", "#", ";", "&",
];

fn lex(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = &rest[1..];
        } else if first.is_ascii_digit() {
            let mut end = 0;
            let bytes = rest.as_bytes();
            while end < bytes.len() {
                let byte = bytes[end];
                let exponent_sign =
                    (byte == b'+' || byte == b'-') && matches!(bytes[end - 1], b'e' | b'E');
                let fraction = byte == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
                if !byte.is_ascii_digit()
                    && !matches!(byte, b'e' | b'E')
                    && !exponent_sign
                    && !fraction
                {
                    break;
                }
                end += 1;
            }
            tokens.push(Token::Number(rest[..end].to_string()));
            rest = &rest[end..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_string()));
            rest = &rest[end..];
        } else if first == '"' {
            let (parts, after) = quoted(&rest[1..]);
            tokens.push(Token::Quoted(parts));
            rest = after;
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.unwrap_or_else(|| panic!("unexpected {first:?} in {source}"));
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
    }
    tokens
}

fn quoted(mut rest: &str) -> (Vec<Result<String, String>>, &str) {
    let mut parts = Vec::new();
    let mut text = String::new();
    loop {
        let first = rest.chars().next().expect("text ends");
        if first == '"' {
            if !text.is_empty() || parts.is_empty() {
                parts.push(Ok(text));
            }
            return (parts, &rest[1..]);
        } else if let Some(after) = rest.strip_prefix("$${") {
            text.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            if !text.is_empty() {
                parts.push(Ok(std::mem::take(&mut text)));
            }
            let mut depth = 1;
            let mut in_text = false;
            let end = after.char_indices().find(|(_, c)| {
                match c {
                    '"' => in_text = !in_text,
                    '{' if !in_text => depth += 1,
                    '}' if !in_text => depth -= 1,
                    _ => {}
                }
                depth == 0
            });
            let end = end.expect("interpolation ends").0;
            parts.push(Err(after[..end].to_string()));
            rest = &after[end + 1..];
        } else if first == '\\' {
            let escape = rest.as_bytes()[1];
            rest = &rest[2..];
            match escape {
                b'n' => text.push('\n'),
                b'r' => text.push('\r'),
                b't' => text.push('\t'),
                b'u' => {
                    let code = u32::from_str_radix(&rest[..4], 16).expect("hex");
                    text.push(char::from_u32(code).expect("scalar"));
                    rest = &rest[4..];
                }
                other => text.push(other.into()),
            }
        } else {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    /// Names of enclosing `for` variables.
    variables: Vec<Name>,
}

fn expr(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: Span::default(),
    }
}

fn literal(value: Value) -> Expr {
    expr(ExprKind::Literal(value))
}

/// The expression that a text in source notation stands for. `unknown.T` and `var.x` are left to the scope.
pub(crate) fn parse(source: &str) -> Expr {
    let mut parser = Parser {
        tokens: lex(source).into_iter().peekable(),
        variables: Vec::new(),
    };
    let parsed = parser.conditional();
    assert_eq!(parser.tokens.next(), None, "trailing tokens in {source}");
    parsed
}

impl Parser {
    fn accept(&mut self, sign: &'static str) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn expect(&mut self, sign: &'static str) {
        assert_eq!(self.tokens.next(), Some(Token::Sign(sign)));
    }

    fn accept_word(&mut self, word: &str) -> bool {
        self.tokens
            .next_if_eq(&Token::Word(word.to_string()))
            .is_some()
    }

    fn word(&mut self) -> Name {
        match self.tokens.next() {
            Some(Token::Word(word)) => word.into(),
            other => panic!("expected a name, found {other:?}"),
        }
    }

    fn conditional(&mut self) -> Expr {
        let condition = self.binary(0);
        if !self.accept("?") {
            return condition;
        }
        let then = self.conditional();
        self.expect(":");
        let otherwise = self.conditional();
        expr(ExprKind::Conditional(
            condition.into(),
            then.into(),
            otherwise.into(),
        ))
    }

    fn binary(&mut self, level: usize) -> Expr {
        use BinaryOperator as Op;
        let levels: [&[(&'static str, Op)]; 6] = [
            &[("||", Op::Or)],
            &[("&&", Op::And)],
            &[("==", Op::Equal), ("!=", Op::NotEqual)],
            &[
                ("<=", Op::LessOrEqual),
                (">=", Op::GreaterOrEqual),
                ("<", Op::Less),
                (">", Op::Greater),
            ],
            &[("+", Op::Add), ("-", Op::Subtract)],
            &[("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Modulo)],
        ];
        let Some(operators) = levels.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1);
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.accept(sign)) {
            let right = self.binary(level + 1);
            left = expr(ExprKind::Binary(*operator, left.into(), right.into()));
        }
        left
    }

    fn unary(&mut self) -> Expr {
        if self.accept("-") {
            return expr(ExprKind::Unary(UnaryOperator::Negate, self.unary().into()));
        }
        if self.accept("!") {
            return expr(ExprKind::Unary(UnaryOperator::Not, self.unary().into()));
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Expr {
        let mut inner = self.primary();
        loop {
            if self.accept("[*]") {
                let mut each = expr(ExprKind::Iteration("".into()));
                loop {
                    if self.accept(".") {
                        each = expr(ExprKind::Attribute(each.into(), self.word()));
                    } else if self.accept("[") {
                        let key = self.conditional();
                        self.expect("]");
                        each = expr(ExprKind::Index(each.into(), key.into()));
                    } else {
                        break;
                    }
                }
                inner = expr(ExprKind::Splat {
                    source: inner.into(),
                    each: each.into(),
                });
            } else if self.accept(".*") {
                let mut each = expr(ExprKind::Iteration("".into()));
                while self.accept(".") {
                    each = expr(ExprKind::Attribute(each.into(), self.word()));
                }
                inner = expr(ExprKind::Splat {
                    source: inner.into(),
                    each: each.into(),
                });
            } else if self.accept("[") {
                let key = self.conditional();
                self.expect("]");
                inner = expr(ExprKind::Index(inner.into(), key.into()));
            } else if self.accept(".") {
                inner = expr(ExprKind::Attribute(inner.into(), self.word()));
            } else {
                return inner;
            }
        }
    }

    fn primary(&mut self) -> Expr {
        match self.tokens.next().expect("an expression") {
            Token::Number(text) => literal(Value::number(
                text.parse::<value::Number>().expect("a number in range"),
            )),
            Token::Quoted(parts) => self.template(parts),
            Token::Word(word) => self.named(word),
            Token::Sign("(") => {
                let inner = self.conditional();
                self.expect(")");
                inner
            }
            Token::Sign("[") if self.accept_word("for") => self.for_tuple(),
            Token::Sign("{") if self.accept_word("for") => self.for_object(),
            Token::Sign("[") => {
                let mut items = Vec::new();
                while !self.accept("]") {
                    items.push(self.conditional());
                    self.accept(",");
                }
                expr(ExprKind::Tuple(items))
            }
            Token::Sign("{") => {
                let mut entries = Vec::new();
                while !self.accept("}") {
                    let key = match self.tokens.peek() {
                        Some(Token::Word(_)) => literal(Value::string(self.word())),
                        _ => self.primary(),
                    };
                    self.expect("=");
                    entries.push((key, self.conditional()));
                    self.accept(",");
                }
                expr(ExprKind::Object(entries))
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn template(&mut self, parts: Vec<Result<String, String>>) -> Expr {
        let mut parts: Vec<Expr> = parts
            .into_iter()
            .map(|part| match part {
                Ok(text) => literal(Value::string(text)),
                Err(source) => {
                    let mut inner = Parser {
                        tokens: lex(&source).into_iter().peekable(),
                        variables: self.variables.clone(),
                    };
                    inner.conditional()
                }
            })
            .collect();
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            expr(ExprKind::Template(parts))
        }
    }

    fn named(&mut self, word: String) -> Expr {
        match word.as_str() {
            "true" => return literal(Value::bool(true)),
            "false" => return literal(Value::bool(false)),
            "null" => return literal(Value::null(value::Type::Any)),
            _ => {}
        }
        let mut name = word;
        while self.accept("::") {
            name = format!("{name}::{}", self.word());
        }
        if self.accept("(") {
            let mut arguments = Vec::new();
            let mut expand_last = false;
            while !self.accept(")") {
                arguments.push(self.conditional());
                expand_last |= self.accept("...");
                self.accept(",");
            }
            return expr(ExprKind::Call {
                name: name.into(),
                arguments,
                expand_last,
            });
        }
        if self.variables.iter().any(|variable| **variable == *name) {
            return expr(ExprKind::Iteration(name.into()));
        }
        assert_eq!(name, "var", "only variables can be referred to");
        self.expect(".");
        expr(ExprKind::Reference(Reference::Variable(self.word())))
    }

    /// After `for`: the names, the collection and what follows it.
    fn for_head(&mut self) -> (Option<Name>, Name, Expr) {
        let first = self.word();
        let (key, value) = if self.accept(",") {
            (Some(first), self.word())
        } else {
            (None, first)
        };
        assert!(self.accept_word("in"));
        let collection = self.conditional();
        self.expect(":");
        self.variables.extend(key.clone());
        self.variables.push(value.clone());
        (key, value, collection)
    }

    fn for_condition(&mut self) -> Option<Box<Expr>> {
        self.accept_word("if").then(|| self.conditional().into())
    }

    fn for_tuple(&mut self) -> Expr {
        let outside = self.variables.len();
        let (key, value, collection) = self.for_head();
        let result = self.conditional();
        let condition = self.for_condition();
        self.expect("]");
        self.variables.truncate(outside);
        expr(ExprKind::ForTuple {
            key,
            value,
            collection: collection.into(),
            condition,
            result: result.into(),
        })
    }

    fn for_object(&mut self) -> Expr {
        let outside = self.variables.len();
        let (key, value, collection) = self.for_head();
        let result_key = self.conditional();
        self.expect("=>");
        let result_value = self.conditional();
        let group = self.accept("...");
        let condition = self.for_condition();
        self.expect("}");
        self.variables.truncate(outside);
        expr(ExprKind::ForObject {
            key,
            value,
            collection: collection.into(),
            condition,
            result_key: result_key.into(),
            result_value: result_value.into(),
            group,
        })
    }
}
