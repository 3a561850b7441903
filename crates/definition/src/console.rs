//! Single expressions in the names of a release's root module, as a console takes them: read, checked, completed.
//!
//! Values are not here: who holds the world evaluates what [`Console::read`] gives, and is asked through a function
//! where a name alone does not say how to go on (the attributes of a value).

use crate::diag::references as diag;
use crate::lexer::{self, TokenKind};
use crate::lower::functions::Providers;
use crate::lower::{CallNames, Context, Lowerer, Names, ResourceNames, Roots};
use crate::parser;
use crate::syntax::{Expression, ExpressionKind};
use crate::text::Excerpt;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{Mode, ProviderSchema, Release, Repetition};
use value::functions::function_names;
use value::{Diagnostics, Expr, Name, SourceId, Value};

/// The function that only a console has: it shows the type of a value.
const TYPE_FUNCTION: &str = "type";

/// Everything that an expression can name.
pub struct Console<'a> {
    names: Names<'a>,
    delivery: bool,
}

/// An expression that was read.
pub struct Asked {
    /// What to evaluate.
    pub expr: Expr,
    /// Whether its type is wanted, instead of its value.
    pub wants_type: bool,
}

/// How a text can go on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// From which byte on the text is replaced.
    pub start: usize,
    /// By what, in order.
    pub candidates: Vec<String>,
}

/// Gives the value of an expression, or of a text that is one.
pub type ValueOf<'f, T> = &'f dyn Fn(&T) -> Result<Value, Diagnostics>;

impl<'a> Console<'a> {
    /// The names of a release's root module. `schemas` are those that the release was compiled with.
    pub fn new(release: &'a Release, schemas: &'a [ProviderSchema]) -> Self {
        Self {
            names: names(release, schemas),
            delivery: has_delivery(release),
        }
    }

    /// Reads a text as an expression.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(&self, text: &str, source: SourceId) -> Result<Asked, Diagnostics> {
        let (tree, found) = parser::parse_expression(text, source);
        if found.has_errors() {
            return Err(found);
        }
        let (tree, wants_type) = match called_type(&tree) {
            Some([argument]) => (argument, true),
            Some(_) => return Err(diag::type_function(tree.span).into()),
            None => (&tree, false),
        };
        let mut lowerer = Lowerer::new(Roots::Module(&self.names), self.context());
        let expr = lowerer.expression(tree);
        let mut found = lowerer.diagnostics;
        for found in &mut found.0 {
            let named = found
                .span
                .and_then(|span| text.get(span.start as usize..span.end as usize));
            if found.code == diag::UNKNOWN_FUNCTION_CODE && named == Some(TYPE_FUNCTION) {
                *found = diag::type_function(found.span.unwrap_or_default());
            }
        }
        if found.has_errors() {
            return Err(found);
        }
        Ok(Asked { expr, wants_type })
    }

    fn context(&self) -> Context<'_> {
        Context {
            delivery: self.delivery,
            ..Context::default()
        }
    }

    /// How the text before the byte `at` can go on. `value_of` gives the value of what stands before a dot.
    pub fn complete(&self, text: &str, at: usize, value_of: ValueOf<'_, str>) -> Completions {
        let before = text.get(..at).unwrap_or(text);
        let path = path_at_end(before);
        let (source, partial) = match path.rfind('.') {
            Some(dot) => (path.get(..dot), path.get(dot + 1..).unwrap_or("")),
            None => (None, path),
        };
        let known = match source {
            None => self.roots(),
            Some(source) => self.members(source, value_of),
        };
        let mut candidates: Vec<String> = known
            .into_iter()
            .filter(|known| known.starts_with(partial))
            .collect();
        candidates.sort();
        candidates.dedup();
        Completions {
            start: before.len() - partial.len(),
            candidates,
        }
    }

    /// What an expression can begin with. What must go on ends in the sign that it goes on with.
    fn roots(&self) -> Vec<String> {
        let mut roots: Vec<String> = function_names()
            .map(|name| alloc::format!("{name}("))
            .collect();
        roots.push(alloc::format!("{TYPE_FUNCTION}("));
        roots.extend(["true", "false", "null"].map(ToString::to_string));
        roots.extend(["path.", "terraform."].map(ToString::to_string));
        let mut offer = |root: &str, is_any: bool| {
            if is_any {
                roots.push(alloc::format!("{root}."));
            }
        };
        offer("var", !self.names.variables.is_empty());
        offer("local", !self.names.locals.is_empty());
        offer(
            if self.delivery { "stack" } else { "module" },
            !self.names.calls.is_empty(),
        );
        offer("environment", self.delivery);
        offer("service", !self.names.services.is_empty());
        for (mode, kind, _) in self.names.resources.keys() {
            match mode {
                Mode::Managed => offer(kind, true),
                Mode::Data => offer("data", true),
                Mode::Ephemeral => offer("ephemeral", true),
            }
        }
        roots
    }

    /// What can stand behind a dot.
    fn members(&self, source: &str, value_of: ValueOf<'_, str>) -> Vec<String> {
        let names = &self.names;
        let all = |names: &BTreeSet<Name>| names.iter().map(ToString::to_string).collect();
        let words: Vec<&str> = source.split('.').collect();
        let of_type = |wanted: Mode, kind: &str| -> Vec<String> {
            let keys = names.resources.keys();
            let of = keys.filter(|(mode, of, _)| *mode == wanted && **of == *kind);
            of.map(|(_, _, name)| name.to_string()).collect()
        };
        let types = |wanted: Mode| -> Vec<String> {
            let keys = names
                .resources
                .keys()
                .filter(|(mode, _, _)| *mode == wanted);
            keys.map(|(_, kind, _)| alloc::format!("{kind}.")).collect()
        };
        let calls = if self.delivery { "stack" } else { "module" };
        match words.as_slice() {
            ["var"] => all(&names.variables),
            ["local"] => all(&names.locals),
            ["path"] => ["cwd", "module", "root"].map(ToString::to_string).into(),
            ["terraform"] => ["applying".to_string(), "workspace".to_string()].into(),
            ["environment"] if self.delivery => ["name".to_string()].into(),
            ["service"] if self.delivery => all(&names.services),
            ["service", _] if self.delivery => ["port".to_string()].into(),
            ["data"] => types(Mode::Data),
            ["ephemeral"] => types(Mode::Ephemeral),
            ["data", kind] => of_type(Mode::Data, kind),
            ["ephemeral", kind] => of_type(Mode::Ephemeral, kind),
            [root] if *root == calls => names.calls.keys().map(ToString::to_string).collect(),
            [root, name] if *root == calls && !name.contains('[') => {
                let call = names.calls.iter().find(|(known, _)| ***known == **name);
                let outputs = call.and_then(|(_, call)| call.outputs.as_ref());
                outputs.map_or_else(Vec::new, |all| {
                    all.keys().map(ToString::to_string).collect()
                })
            }
            [kind] if !of_type(Mode::Managed, kind).is_empty() => of_type(Mode::Managed, kind),
            _ => self.attributes(source, &words, value_of),
        }
    }

    /// The attributes of a resource by its schema, of anything else by its value.
    fn attributes(&self, source: &str, words: &[&str], value_of: ValueOf<'_, str>) -> Vec<String> {
        let (mode, kind, name) = match words {
            ["data", kind, name] => (Mode::Data, *kind, *name),
            ["ephemeral", kind, name] => (Mode::Ephemeral, *kind, *name),
            [kind, name] => (Mode::Managed, *kind, *name),
            _ => (Mode::Managed, "", ""),
        };
        let name = name.split('[').next().unwrap_or(name);
        let key = (mode, Name::from(kind), Name::from(name));
        if let Some(schema) = self
            .names
            .resources
            .get(&key)
            .and_then(|known| known.schema)
        {
            let names = schema.attributes.keys().chain(schema.blocks.keys());
            return names.map(ToString::to_string).collect();
        }
        let value = value_of(source).ok();
        let entries = value.as_ref().and_then(Value::entries);
        let names = entries.into_iter().flat_map(|entries| entries.keys());
        names
            .filter(|name| value::is_identifier(name))
            .map(ToString::to_string)
            .collect()
    }
}

/// Whether a release is one of a project with environments.
fn has_delivery(release: &Release) -> bool {
    !release.services.is_empty() || !release.environments.is_empty()
}

/// What the root module of a release declares.
pub(crate) fn names<'a>(release: &'a Release, schemas: &'a [ProviderSchema]) -> Names<'a> {
    let delivery = has_delivery(release);
    let Some(root) = release.modules.first() else {
        return Names::default();
    };
    let is_repeated = |repetition: &Repetition| !matches!(repetition, Repetition::Once);
    let resources = root.resources.iter().map(|resource| {
        let provider = schemas
            .iter()
            .find(|schema| schema.source == resource.provider);
        let schema =
            provider.and_then(|provider| provider.types(resource.mode).get(&resource.kind));
        let names = ResourceNames {
            repeated: is_repeated(&resource.repetition),
            schema: schema.map(|schema| &schema.block),
            check: None,
        };
        let key = (resource.mode, resource.kind.clone(), resource.name.clone());
        (key, names)
    });
    let calls = root.modules.iter().map(|(name, call)| {
        let called = release.modules.get(call.module as usize);
        let names = CallNames {
            repeated: is_repeated(&call.repetition),
            stack: delivery,
            outputs: called.map(|module| {
                let names = module.outputs.keys().cloned();
                names.map(|name| (name, None)).collect()
            }),
        };
        (name.clone(), names)
    });
    Names {
        variables: root.variables.keys().cloned().collect(),
        locals: root.locals.keys().cloned().collect(),
        resources: resources.collect(),
        calls: calls.collect(),
        services: release.services.keys().cloned().collect(),
        providers: Providers::new(root.required_providers.clone(), schemas),
    }
}

/// The arguments of `type(...)`, if the whole expression is such a call.
fn called_type(tree: &Expression) -> Option<&[Expression]> {
    match &tree.without_parentheses().kind {
        ExpressionKind::Call(call) if &*call.name.name == TYPE_FUNCTION => Some(&call.arguments),
        _ => None,
    }
}

/// The end of a text that reads as a path of names, with indexes between them: `module.a["x"].b`.
fn path_at_end(text: &str) -> &str {
    let mut start = text.len();
    let mut open = 0usize;
    for (at, character) in text.char_indices().rev() {
        let belongs = match character {
            ']' => {
                open += 1;
                true
            }
            '[' if open > 0 => {
                open -= 1;
                true
            }
            _ => open > 0 || character == '.' || character == '-' || is_name_part(character),
        };
        if !belongs {
            break;
        }
        start = at;
    }
    let path = text.get(start..).unwrap_or("");
    // A minus in front of a name is an operator.
    path.trim_start_matches('-')
}

fn is_name_part(character: char) -> bool {
    let mut name = String::from("_");
    name.push(character);
    value::is_identifier(&name)
}

/// Whether a text may become an expression with further lines: a bracket, heredoc, sequence or comment is open in it.
pub fn is_unfinished(text: &str) -> bool {
    // What ends a heredoc is a line.
    let text = alloc::format!("{text}\n");
    let mut ignored = Diagnostics::new();
    let tokens = lexer::lex(Excerpt::whole(&text, SourceId(0)), &mut ignored);
    let mut open = Vec::new();
    for token in &tokens.list {
        match token.kind {
            TokenKind::OpenQuote
            | TokenKind::OpenHeredoc
            | TokenKind::OpenInterpolation
            | TokenKind::OpenDirective
            | TokenKind::OpenBrace
            | TokenKind::OpenBracket
            | TokenKind::OpenParen => open.push(token.kind),
            // What closes and was not opened is a mistake that no further line mends.
            TokenKind::CloseQuote
            | TokenKind::CloseHeredoc
            | TokenKind::CloseSequence
            | TokenKind::CloseBrace
            | TokenKind::CloseBracket
            | TokenKind::CloseParen
                if open.pop().is_none() || token.start == token.end =>
            {
                return false;
            }
            TokenKind::Invalid => {
                let rest = text.get(token.start as usize..).unwrap_or("");
                return rest.starts_with("/*");
            }
            _ => {}
        }
    }
    open.last()
        .is_some_and(|last| *last != TokenKind::OpenQuote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::v1::*;

    #[test]
    fn a_text_is_unfinished_while_something_is_open() {
        for text in [
            "[",
            "{ a = (",
            "foo(1,",
            "<<E",
            "<<-E\na",
            "\"${",
            "\"${ {",
            "/* a",
            "[for x in y : x",
            "<<E\n${",
        ] {
            assert!(is_unfinished(text), "{text}");
        }
        for text in [
            "",
            "1 +",
            "]",
            "[}",
            "\"a",
            "\"a\nb",
            "<<E\na\nE",
            "[1]",
            "'",
            "a # [",
            "<<",
            "\"${a\"",
            "{}}",
        ] {
            assert!(!is_unfinished(text), "{text}");
        }
    }

    #[test]
    fn the_path_before_the_cursor_is_found() {
        for (text, path) in [
            ("var.x", "var.x"),
            ("1 + var.x", "var.x"),
            ("foo(module.a[\"x y\"].b", "module.a[\"x y\"].b"),
            ("[for x in local.a[b[0]].c", "local.a[b[0]].c"),
            ("\"${var.", "var."),
            ("-a-b", "a-b"),
            ("!data.x.", "data.x."),
            ("[a", "a"),
            ("größe.ü", "größe.ü"),
            ("1 ", ""),
        ] {
            assert_eq!(path_at_end(text), path, "{text}");
        }
    }
}
