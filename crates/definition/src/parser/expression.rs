//! Expressions: operators by precedence, then what binds tighter (attributes, indexes, splats), then the terms.

use super::{Failed, Parsed, Parser};
use crate::diag::syntax as diag;
use crate::lexer::{Token, TokenKind};
use crate::limits::NESTING_DEPTH_MAX;
use crate::syntax::{Call, Expression, ExpressionKind, For, Identifier};
use alloc::boxed::Box;
use alloc::vec::Vec;
use value::{BinaryOperator, Number, Span, Type, UnaryOperator, Value};

/// Binding strengths of the operators with two operands, weakest first.
const OR: u8 = 1;
const AND: u8 = 2;
const EQUALITY: u8 = 3;
const COMPARISON: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;

impl Parser<'_> {
    /// A whole expression.
    ///
    /// This and the next few functions are what nesting goes through, so they keep little on the stack: everything that
    /// only some expressions need is a function of its own, and results are passed on without being taken apart.
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        let first = self.binary(OR);
        if first.is_ok() && self.peek().kind == TokenKind::Question {
            return self.conditional(first);
        }
        first
    }

    fn conditional(&mut self, condition: Parsed<Expression>) -> Parsed<Expression> {
        let condition = condition?;
        self.advance();
        self.enter()?;
        let then = self.expression()?;
        if self.peek().kind != TokenKind::Colon {
            return self.fail_here(|span, _| diag::colon_missing(span));
        }
        self.advance();
        let otherwise = self.expression()?;
        self.depth -= 1;
        let span = join(condition.span, otherwise.span);
        let height = tallest(&[&condition, &then, &otherwise]);
        let kind = ExpressionKind::Conditional(Box::new([condition, then, otherwise]));
        self.node(kind, span, height)
    }

    /// A node above children of this height, unless the tree becomes too high to be walked.
    pub(super) fn node(
        &mut self,
        kind: ExpressionKind,
        span: Span,
        below: u16,
    ) -> Parsed<Expression> {
        let height = below + 1;
        if usize::from(height) > NESTING_DEPTH_MAX {
            self.report(diag::nested_too_deeply(span));
            return Err(Failed);
        }
        Ok(Expression { kind, span, height })
    }

    fn binary(&mut self, weakest: u8) -> Parsed<Expression> {
        let mut left = self.postfix();
        while left.is_ok() {
            match binary_operator(self.peek().kind) {
                Some((operator, strength)) if strength >= weakest => {
                    left = self.operation(left, operator, strength);
                }
                _ => break,
            }
        }
        left
    }

    /// The operator at hand and its right operand.
    fn operation(
        &mut self,
        left: Parsed<Expression>,
        operator: BinaryOperator,
        strength: u8,
    ) -> Parsed<Expression> {
        let left = left?;
        self.advance();
        self.enter()?;
        let right = self.binary(strength + 1)?;
        self.depth -= 1;
        let span = join(left.span, right.span);
        let height = tallest(&[&left, &right]);
        let kind = ExpressionKind::Binary(operator, Box::new((left, right)));
        self.node(kind, span, height)
    }

    /// A term and the attributes, indexes and splats behind it.
    fn postfix(&mut self) -> Parsed<Expression> {
        let term = self.term();
        self.traversals(term)
    }

    fn traversals(&mut self, mut source: Parsed<Expression>) -> Parsed<Expression> {
        while source.is_ok() {
            match self.peek().kind {
                TokenKind::Dot => source = self.dot(source),
                TokenKind::OpenBracket => source = self.bracket(source),
                _ => break,
            }
        }
        source
    }

    /// `.name`, `.0` and `.*`.
    fn dot(&mut self, source: Parsed<Expression>) -> Parsed<Expression> {
        let source = source?;
        self.advance();
        let token = self.peek();
        match token.kind {
            TokenKind::Star => {
                self.advance();
                self.attribute_splat(source, token)
            }
            TokenKind::Identifier | TokenKind::Number => self.dotted(source),
            _ => self.fail_here(|span, _| {
                diag::invalid_traversal(span, "A dot is followed by the name of an attribute.")
            }),
        }
    }

    /// The name or number behind a dot.
    fn dotted(&mut self, source: Expression) -> Parsed<Expression> {
        let token = self.peek();
        let span = join(source.span, self.token_span(token));
        let height = source.height;
        match token.kind {
            TokenKind::Identifier => {
                let name = self.identifier_of(token);
                self.advance();
                self.node(
                    ExpressionKind::Attribute(Box::new(source), name),
                    span,
                    height,
                )
            }
            TokenKind::Number => {
                let text = self.token_text(token);
                if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return self.fail_here(|span, _| {
                        diag::invalid_traversal(span, "Of two index numbers in a row only the first may follow a dot. Write the index in brackets: [0][1].")
                    });
                }
                self.advance();
                let key = self.number(token);
                self.node(
                    ExpressionKind::Index(Box::new(source), Box::new(key)),
                    span,
                    height,
                )
            }
            _ => self.fail_here(|span, _| {
                diag::invalid_traversal(
                    span,
                    "A splat cannot stand inside a splat of this form. Use [*].",
                )
            }),
        }
    }

    /// `source.*.a.b`: only names and numbers belong to the splat.
    fn attribute_splat(&mut self, source: Expression, star: Token) -> Parsed<Expression> {
        let mut each = Expression {
            kind: ExpressionKind::Item,
            span: self.token_span(star),
            height: 1,
        };
        while self.peek().kind == TokenKind::Dot {
            self.advance();
            each = self.dotted(each)?;
        }
        self.splat(source, each)
    }

    fn splat(&mut self, source: Expression, each: Expression) -> Parsed<Expression> {
        let span = join(source.span, each.span);
        let height = tallest(&[&source, &each]);
        self.node(
            ExpressionKind::Splat(Box::new((source, each))),
            span,
            height,
        )
    }

    /// `[key]` and `[*]`.
    fn bracket(&mut self, source: Parsed<Expression>) -> Parsed<Expression> {
        let source = source?;
        let open = self.peek();
        self.advance();
        // A star stands directly behind the bracket, and the other bracket behind it.
        if self.peek().kind == TokenKind::Star {
            return self.full_splat(source, open);
        }
        let newlines = core::mem::replace(&mut self.newlines, false);
        let key = self.enclosed(open, TokenKind::CloseBracket, "index")?;
        self.newlines = newlines;
        let span = join(source.span, self.token_span(self.previous()));
        let height = tallest(&[&source, &key]);
        self.node(
            ExpressionKind::Index(Box::new(source), Box::new(key)),
            span,
            height,
        )
    }

    /// `[*]`: everything that follows is taken of each item, further splats included.
    fn full_splat(&mut self, source: Expression, open: Token) -> Parsed<Expression> {
        self.advance();
        let close = self.peek();
        if close.kind != TokenKind::CloseBracket {
            return self.fail_here(|span, _| {
                diag::invalid_traversal(span, "The star of a splat stands alone: [*].")
            });
        }
        self.advance();
        self.enter()?;
        let item = Expression {
            kind: ExpressionKind::Item,
            span: self.span(open.start, close.end),
            height: 1,
        };
        let each = self.traversals(Ok(item))?;
        self.depth -= 1;
        self.splat(source, each)
    }

    /// One expression and the bracket that closes it. What is broken inside is skipped.
    fn enclosed(&mut self, open: Token, close: TokenKind, what: &str) -> Parsed<Expression> {
        self.enter()?;
        let depth = self.depth;
        let inner = self.expression();
        self.depth = depth - 1;
        match inner {
            Ok(inner) if self.peek().kind == close => {
                self.advance();
                return Ok(inner);
            }
            Ok(_) => {
                let _ = self.fail_close(open, close, what);
            }
            Err(Failed) => {}
        }
        let start = open.start;
        if self.skip_to_close(close) {
            return Ok(Expression::invalid(self.span(start, self.previous().end)));
        }
        Err(Failed)
    }

    /// Something else stands where the closing bracket or a separator should.
    fn fail_close(&mut self, open: Token, close: TokenKind, what: &str) -> Parsed<()> {
        let (open_text, close_text) = match close {
            TokenKind::CloseParen => ("(", ")"),
            TokenKind::CloseBracket => ("[", "]"),
            _ => ("{", "}"),
        };
        let open_span = self.token_span(open);
        if self.peek().kind == TokenKind::End {
            if !self.unterminated {
                self.report(diag::unclosed(open_span, open_text, close_text, what));
                self.unterminated = true;
            }
            return Err(Failed);
        }
        self.fail_here(|span, found| {
            let comma = if matches!(what, "index" | "parenthesis") {
                ""
            } else {
                " or a comma"
            };
            let detail = alloc::format!("Expected \"{close_text}\"{comma}, found {found}.");
            diag::missing_separator(span, &detail).hint("opened here", Some(open_span))
        })
    }

    fn term(&mut self) -> Parsed<Expression> {
        let token = self.peek();
        match token.kind {
            TokenKind::Number => self.number_term(token),
            TokenKind::Identifier => self.name(token),
            TokenKind::OpenQuote => self.quoted_template(),
            TokenKind::OpenHeredoc => self.heredoc(),
            TokenKind::OpenParen => self.parenthesised(token),
            TokenKind::OpenBracket => self.bracketed(token, TokenKind::CloseBracket),
            TokenKind::OpenBrace => self.bracketed(token, TokenKind::CloseBrace),
            TokenKind::Minus => self.unary(UnaryOperator::Negate, token),
            TokenKind::Not => self.unary(UnaryOperator::Not, token),
            _ => self.fail_here(diag::expression_expected),
        }
    }

    fn parenthesised(&mut self, open: Token) -> Parsed<Expression> {
        let newlines = core::mem::replace(&mut self.newlines, false);
        self.advance();
        let inner = self.enclosed(open, TokenKind::CloseParen, "parenthesis");
        self.newlines = newlines;
        let inner = inner?;
        let (span, height) = (self.span(open.start, self.previous().end), inner.height);
        self.node(ExpressionKind::Parenthesised(Box::new(inner)), span, height)
    }

    fn unary(&mut self, operator: UnaryOperator, token: Token) -> Parsed<Expression> {
        self.advance();
        self.enter()?;
        let operand = self.postfix()?;
        self.depth -= 1;
        let span = join(self.token_span(token), operand.span);
        let height = operand.height;
        self.node(
            ExpressionKind::Unary(operator, Box::new(operand)),
            span,
            height,
        )
    }

    fn number_term(&mut self, token: Token) -> Parsed<Expression> {
        self.advance();
        let text = self.token_text(token);
        if text.matches('.').count() > 1 {
            let span = self.token_span(token);
            self.report(diag::invalid_number(span, text));
            return Ok(Expression::invalid(span));
        }
        Ok(self.number(token))
    }

    fn number(&self, token: Token) -> Expression {
        let value = number_of(self.token_text(token));
        Expression {
            kind: ExpressionKind::Literal(Box::new(value)),
            span: self.token_span(token),
            height: 1,
        }
    }

    /// A bare name, keyword or function call.
    fn name(&mut self, token: Token) -> Parsed<Expression> {
        let name = self.identifier_of(token);
        self.advance();
        let literal = match self.token_text(token) {
            "true" => Some(Value::bool(true)),
            "false" => Some(Value::bool(false)),
            "null" => Some(Value::null(Type::Any)),
            _ => None,
        };
        let kind = match (self.peek().kind, literal) {
            (TokenKind::OpenParen | TokenKind::DoubleColon, _) => return self.call(name),
            (_, Some(value)) => ExpressionKind::Literal(Box::new(value)),
            (_, None) => ExpressionKind::Root(name.name),
        };
        Ok(Expression {
            kind,
            span: name.span,
            height: 1,
        })
    }

    fn call(&mut self, mut name: Identifier) -> Parsed<Expression> {
        while self.peek().kind == TokenKind::DoubleColon {
            self.advance();
            let part = self.peek();
            if part.kind != TokenKind::Identifier {
                return self.fail_here(|span, _| {
                    diag::expression_form(
                        span,
                        "A double colon is followed by the name of a function.",
                    )
                });
            }
            self.advance();
            let full = alloc::format!("{}::{}", name.name, self.token_text(part));
            name.name = full.as_str().into();
            name.span = join(name.span, self.token_span(part));
        }
        let open = self.peek();
        if open.kind != TokenKind::OpenParen {
            return self.fail_here(|span, _| {
                diag::expression_form(
                    span,
                    "The name of a function is followed by its arguments in parentheses.",
                )
            });
        }
        self.enter()?;
        let depth = self.depth;
        let newlines = core::mem::replace(&mut self.newlines, false);
        self.advance();
        let parsed = self.arguments(open);
        self.depth = depth - 1;
        let recovered = parsed.is_err() && self.skip_to_close(TokenKind::CloseParen);
        self.newlines = newlines;
        let span = join(name.span, self.token_span(self.previous()));
        match parsed {
            Ok((arguments, expand_last)) => {
                let height = arguments.iter().map(|a| a.height).max().unwrap_or(0);
                let call = Call {
                    name,
                    arguments,
                    expand_last,
                };
                self.node(ExpressionKind::Call(Box::new(call)), span, height)
            }
            Err(Failed) if recovered => Ok(Expression::invalid(span)),
            Err(Failed) => Err(Failed),
        }
    }

    fn arguments(&mut self, open: Token) -> Parsed<(Vec<Expression>, bool)> {
        let mut arguments = Vec::new();
        let mut expand_last = false;
        loop {
            if self.peek().kind == TokenKind::CloseParen {
                break;
            }
            if self.peek().kind == TokenKind::End {
                self.fail_close(open, TokenKind::CloseParen, "argument list")?;
            }
            arguments.push(self.expression()?);
            match self.peek().kind {
                TokenKind::Comma => self.advance(),
                TokenKind::CloseParen => break,
                TokenKind::Ellipsis => {
                    let dots = self.token_span(self.peek());
                    self.advance();
                    expand_last = true;
                    if self.peek().kind == TokenKind::CloseParen {
                        break;
                    }
                    let detail = "An expanded argument (...) is the last one: a closing parenthesis must follow.";
                    return self.fail_here(|_, _| diag::missing_separator(dots, detail));
                }
                _ => self.fail_close(open, TokenKind::CloseParen, "argument list")?,
            }
        }
        self.advance();
        Ok((arguments, expand_last))
    }

    /// A tuple, an object or one of the two made by `for`.
    fn bracketed(&mut self, open: Token, close: TokenKind) -> Parsed<Expression> {
        self.enter()?;
        let depth = self.depth;
        let newlines = core::mem::replace(&mut self.newlines, false);
        self.advance();
        let next = self.peek();
        let is_for = next.kind == TokenKind::Identifier && self.token_text(next) == "for";
        let parsed = if is_for {
            self.for_expression(open, close)
        } else if close == TokenKind::CloseBracket {
            self.tuple(open)
        } else {
            self.newlines = true;
            self.object(open)
        };
        self.depth = depth - 1;
        let recovered = parsed.is_err() && self.skip_to_close(close);
        self.newlines = newlines;
        let span = self.span(open.start, self.previous().end);
        match parsed {
            Ok((kind, height)) => self.node(kind, span, height),
            Err(Failed) if recovered => Ok(Expression::invalid(span)),
            Err(Failed) => Err(Failed),
        }
    }

    fn tuple(&mut self, open: Token) -> Parsed<(ExpressionKind, u16)> {
        let mut items = Vec::new();
        loop {
            match self.peek().kind {
                TokenKind::CloseBracket => break,
                TokenKind::End => self.fail_close(open, TokenKind::CloseBracket, "tuple")?,
                _ => {}
            }
            items.push(self.expression()?);
            match self.peek().kind {
                TokenKind::Comma => self.advance(),
                TokenKind::CloseBracket => break,
                _ => self.fail_close(open, TokenKind::CloseBracket, "tuple")?,
            }
        }
        self.advance();
        let height = items.iter().map(|item| item.height).max().unwrap_or(0);
        Ok((ExpressionKind::Tuple(items), height))
    }

    fn object(&mut self, open: Token) -> Parsed<(ExpressionKind, u16)> {
        let mut items = Vec::new();
        let mut height = 0;
        loop {
            match self.peek().kind {
                TokenKind::Newline => {
                    self.advance();
                    continue;
                }
                TokenKind::CloseBrace => break,
                TokenKind::End => self.fail_close(open, TokenKind::CloseBrace, "object")?,
                _ => {}
            }
            let key = self.object_key()?;
            let value = self.expression()?;
            height = height.max(key.height).max(value.height);
            items.push((key, value));
            match self.peek().kind {
                TokenKind::Comma | TokenKind::Newline => self.advance(),
                TokenKind::CloseBrace => break,
                TokenKind::End => self.fail_close(open, TokenKind::CloseBrace, "object")?,
                _ => {
                    return self.fail_here(|span, found| {
                        let detail = alloc::format!("The items of an object stand on lines of their own or are separated by commas. Found {found}.");
                        diag::missing_separator(span, &detail)
                    });
                }
            }
        }
        self.advance();
        Ok((ExpressionKind::Object(items), height))
    }

    fn object_key(&mut self) -> Parsed<Expression> {
        let key = self.expression()?;
        let separator = self.peek();
        match separator.kind {
            TokenKind::Assign | TokenKind::Colon => self.advance(),
            _ => {
                return self.fail_here(|span, found| {
                    let detail = alloc::format!("Between the key of an object's item and its value stands an equals sign. Found {found}.");
                    diag::missing_separator(span, &detail)
                });
            }
        }
        Ok(key)
    }

    fn for_expression(&mut self, open: Token, close: TokenKind) -> Parsed<(ExpressionKind, u16)> {
        // Counts twice, because it keeps more on the stack; `bracketed` restores the depth.
        self.enter()?;
        self.advance();
        let (key, value, collection) = self.for_head(open, close)?;
        if self.peek().kind != TokenKind::Colon {
            return self.fail_here(|span, _| {
                diag::invalid_for(span, "Behind the collection comes a colon and what each element gives: [for x in xs : x].")
            });
        }
        self.advance();
        let mut result = self.expression()?;
        let mut result_key = None;
        let mut group = false;
        let object = close == TokenKind::CloseBrace;
        if self.peek().kind == TokenKind::FatArrow {
            if !object {
                let span = result.span;
                return self.fail_here(|_, _| {
                    diag::invalid_for(
                        span,
                        "A key with => is only possible in braces: {for x in xs : x => x}.",
                    )
                });
            }
            self.advance();
            let value = self.expression()?;
            result_key = Some(core::mem::replace(&mut result, value));
        } else if object {
            let span = result.span;
            return self.fail_here(|_, _| {
                diag::invalid_for(span, "In braces each element gives a key and a value: {for x in xs : x => x}. For a sequence use brackets.")
            });
        }
        if self.peek().kind == TokenKind::Ellipsis {
            if !object {
                return self.fail_here(|span, _| {
                    diag::invalid_for(span, "Grouping with ... is only possible in braces, where several elements may have the same key.")
                });
            }
            self.advance();
            group = true;
        }
        let condition = self.for_end(open, close)?;
        let parts = [
            Some(&collection),
            Some(&result),
            result_key.as_ref(),
            condition.as_ref(),
        ];
        let height = parts.into_iter().flatten().map(|e| e.height).max();
        let kind = ExpressionKind::For(Box::new(For {
            key,
            value,
            collection,
            result_key,
            result,
            condition,
            group,
        }));
        Ok((kind, height.unwrap_or(0)))
    }

    /// The condition of a `for` expression, if there is one, and its closing bracket.
    fn for_end(&mut self, open: Token, close: TokenKind) -> Parsed<Option<Expression>> {
        let next = self.peek();
        let mut condition = None;
        if next.kind == TokenKind::Identifier && self.token_text(next) == "if" {
            self.advance();
            condition = Some(self.expression()?);
        }
        if self.peek().kind != close {
            if self.peek().kind == TokenKind::End {
                self.fail_close(open, close, "for expression")?;
            }
            return self.fail_here(|span, _| {
                diag::invalid_for(
                    span,
                    "The for expression must end here with its closing bracket.",
                )
            });
        }
        self.advance();
        Ok(condition)
    }

    /// `k, v in collection`: the same in expressions and in templates.
    pub(super) fn for_head(
        &mut self,
        open: Token,
        close: TokenKind,
    ) -> Parsed<(Option<Identifier>, Identifier, Expression)> {
        let mut value = self.for_name()?;
        let mut key = None;
        if self.peek().kind == TokenKind::Comma {
            self.advance();
            let name = self.for_name()?;
            key = Some(core::mem::replace(&mut value, name));
        }
        let next = self.peek();
        if next.kind != TokenKind::Identifier || self.token_text(next) != "in" {
            return self.fail_here(|span, _| {
                diag::invalid_for(span, "Behind the names of a for expression comes the word in and the collection: [for x in xs : x].")
            });
        }
        self.advance();
        if self.peek().kind == TokenKind::End {
            self.fail_close(open, close, "for expression")?;
        }
        let collection = self.expression()?;
        Ok((key, value, collection))
    }

    fn for_name(&mut self) -> Parsed<Identifier> {
        let token = self.peek();
        if token.kind != TokenKind::Identifier {
            return self.fail_here(|span, _| {
                diag::invalid_for(span, "A for expression begins with a name for the element: [for x in xs : x]. A key that is called for needs quotes.")
            });
        }
        self.advance();
        Ok(self.identifier_of(token))
    }
}

fn binary_operator(kind: TokenKind) -> Option<(BinaryOperator, u8)> {
    Some(match kind {
        TokenKind::Or => (BinaryOperator::Or, OR),
        TokenKind::And => (BinaryOperator::And, AND),
        TokenKind::Equal => (BinaryOperator::Equal, EQUALITY),
        TokenKind::NotEqual => (BinaryOperator::NotEqual, EQUALITY),
        TokenKind::Less => (BinaryOperator::Less, COMPARISON),
        TokenKind::LessOrEqual => (BinaryOperator::LessOrEqual, COMPARISON),
        TokenKind::Greater => (BinaryOperator::Greater, COMPARISON),
        TokenKind::GreaterOrEqual => (BinaryOperator::GreaterOrEqual, COMPARISON),
        TokenKind::Plus => (BinaryOperator::Add, SUM),
        TokenKind::Minus => (BinaryOperator::Subtract, SUM),
        TokenKind::Star => (BinaryOperator::Multiply, PRODUCT),
        TokenKind::Slash => (BinaryOperator::Divide, PRODUCT),
        TokenKind::Percent => (BinaryOperator::Modulo, PRODUCT),
        _ => return None,
    })
}

/// From the beginning of one to the end of the other.
pub(super) fn join(first: Span, last: Span) -> Span {
    Span {
        end: last.end.max(first.end),
        ..first
    }
}

fn tallest(children: &[&Expression]) -> u16 {
    children.iter().map(|child| child.height).max().unwrap_or(0)
}

/// The exact number that digits stand for.
pub(crate) fn number_of(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(integer) => Value::number(Number::from(integer)),
        Err(_) => value::convert(&Value::string(text), &Type::Number)
            .unwrap_or_else(|_| Value::unknown(Type::Number)),
    }
}
