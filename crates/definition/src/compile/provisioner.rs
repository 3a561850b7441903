//! `provisioner` and `connection` blocks: what is run after an object was made or before it is destroyed.
//!
//! The kinds of provisioner are part of the language, and so are their arguments, which `schema` below describes.

use super::body;
use super::decode::Decoder;
use super::module::Compiler;
use crate::diag::{blocks as diag, provisioners as found};
use crate::lower::{Context, Lowerer, walk};
use crate::syntax::{Attribute, Block, Body, Expression};
use alloc::collections::BTreeMap;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use model::{BlockSchema, OnFailure, Provisioner, When};
use value::{Expr, ExprKind, Name, Reference, Type};

/// Kinds that there are.
const KINDS: [&str; 3] = ["file", "local-exec", "remote-exec"];

/// Kinds that Terraform had once.
const REMOVED: [&str; 4] = ["chef", "habitat", "puppet", "salt-masterless"];

impl<'a> Compiler<'a> {
    /// The provisioners in the body of a resource, in order, each with its whole connection.
    pub(crate) fn provisioners<'l>(
        &mut self,
        inside: &Body,
        whose: &str,
        schema: Option<&'a BlockSchema>,
        lowerer: &mut Lowerer<'l>,
    ) -> Vec<Provisioner>
    where
        'a: 'l,
    {
        let outer = self.connection(inside);
        let context = lowerer.context();
        lowerer.set_context(Context {
            itself: true,
            self_schema: schema,
            ..context
        });
        let blocks = inside
            .blocks
            .iter()
            .filter(|block| &*block.kind.name == "provisioner");
        let provisioners = blocks
            .filter_map(|block| self.provisioner(block, outer, whose, lowerer))
            .collect();
        lowerer.set_context(context);
        provisioners
    }

    /// What only managed resources have.
    pub(crate) fn refuse_provisioners(&mut self, inside: &Body, whose: &str) {
        for block in &inside.blocks {
            let kind = &*block.kind.name;
            if matches!(kind, "provisioner" | "connection") {
                let hint = "Only managed resources have provisioners.";
                let report =
                    diag::unknown_block(block.kind.span, kind, whose, &[], Some(hint.into()));
                self.diagnostics.push(report);
            }
        }
    }

    fn connection<'b>(&mut self, inside: &'b Body) -> Option<&'b Block> {
        let block = body::single(inside, "connection", &mut self.diagnostics)?;
        body::labels(block, &[], &mut self.diagnostics);
        Some(block)
    }

    fn provisioner(
        &mut self,
        block: &Block,
        outer: Option<&Block>,
        whose: &str,
        lowerer: &mut Lowerer<'_>,
    ) -> Option<Provisioner> {
        let labels = body::labels(block, &["TYPE"], &mut self.diagnostics)?;
        let kind: Name = (*labels.first()?).clone();
        let span = block.labels.first()?.span;
        let inside = &block.body;
        for inner in &inside.blocks {
            if &*inner.kind.name == "lifecycle" {
                self.diagnostics
                    .push(found::reserved_block(inner.header, "lifecycle"));
            }
        }
        let own = self.connection(inside);
        let when = self.keyword(
            inside,
            "when",
            &[("create", When::Create), ("destroy", When::Destroy)],
        );
        let on_failure = self.keyword(
            inside,
            "on_failure",
            &[("fail", OnFailure::Fail), ("continue", OnFailure::Continue)],
        );
        let Some(schema) = schema(&kind) else {
            let report = if REMOVED.contains(&&*kind) {
                found::removed_kind(span, &kind)
            } else {
                found::unknown_kind(span, &kind, &KINDS)
            };
            self.diagnostics.push(report);
            return None;
        };
        let what = alloc::format!("The {kind} provisioner of {whose}");
        let config = self.arguments(inside, &schema, &what, lowerer);
        self.check_sources(&kind, inside, &what);
        let connection = merged(outer, own).map(|merged| {
            let what = alloc::format!("The connection of {whose}");
            self.arguments(&merged, &connection_schema(), &what, lowerer)
        });
        let when = when.unwrap_or_default();
        if when == When::Destroy {
            for expr in core::iter::once(&config).chain(&connection) {
                self.check_destroy(expr);
            }
        }
        Some(Provisioner {
            kind,
            config,
            connection,
            when,
            on_failure: on_failure.unwrap_or_default(),
            span: block.header,
        })
    }

    fn arguments(
        &mut self,
        inside: &Body,
        schema: &BlockSchema,
        whose: &str,
        lowerer: &mut Lowerer<'_>,
    ) -> Expr {
        let is_meta_argument = |name: &str| matches!(name, "when" | "on_failure");
        let is_meta_block = |name: &str| matches!(name, "connection" | "lifecycle");
        let mut decoder = Decoder {
            lowerer,
            diagnostics: &mut self.diagnostics,
            whose,
            is_meta_argument: &is_meta_argument,
            is_meta_block: &is_meta_block,
        };
        decoder.object(inside, schema, inside.open)
    }

    /// One of several words, without quotes; quoted ones, as old versions had them, are taken with a warning.
    fn keyword<T: Copy>(&mut self, inside: &Body, name: &str, words: &[(&str, T)]) -> Option<T> {
        let attribute = inside.attribute(name)?;
        let value = &attribute.value;
        let unquoted: Option<Expression> = value.unquoted();
        let written = unquoted.as_ref().unwrap_or(value).as_keyword();
        let known = written.and_then(|word| words.iter().find(|(known, _)| **known == **word));
        match known {
            Some((_, meaning)) => {
                if unquoted.is_some() {
                    self.diagnostics.push(diag::quoted_keyword(value.span));
                }
                Some(*meaning)
            }
            None => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let written = written.map(|word| word.to_string());
                self.diagnostics.push(found::unknown_keyword(
                    value.span,
                    name,
                    written.as_deref(),
                    &words,
                ));
                None
            }
        }
    }

    /// What only the arguments together can be wrong about.
    fn check_sources(&mut self, kind: &str, inside: &Body, what: &str) {
        let choices: &[&str] = match kind {
            "file" => &["source", "content"],
            "remote-exec" => &["inline", "script", "scripts"],
            _ => return,
        };
        self.check_one_of(choices, inside, what);
    }

    /// Exactly one of some arguments is to be set.
    pub(super) fn check_one_of(&mut self, choices: &[&str], inside: &Body, what: &str) {
        let given: Vec<&Attribute> = choices
            .iter()
            .filter_map(|name| inside.attribute(name))
            .collect();
        match given.as_slice() {
            [_] => {}
            [] => self
                .diagnostics
                .push(found::no_source(inside.open, what, choices)),
            [_, second, ..] => {
                self.diagnostics
                    .push(found::several_sources(second.name.span, what, choices))
            }
        }
    }

    /// When an object is destroyed, only what is known of itself is certain to be there still.
    fn check_destroy(&mut self, config: &Expr) {
        let ExprKind::Object(parts) = &config.kind else {
            return;
        };
        for (_, value) in parts {
            let mut refused = None;
            walk::references(value, &mut |reference, _| match reference {
                Reference::SelfObject
                | Reference::EachKey
                | Reference::CountIndex
                | Reference::PathModule
                | Reference::PathRoot
                | Reference::PathCwd
                | Reference::Workspace
                | Reference::Applying => {}
                _ => refused = Some(value.span),
            });
            if let Some(span) = refused {
                self.diagnostics.push(found::destroy_refers(span));
            }
        }
    }
}

/// The connection of a provisioner put over that of its resource.
fn merged(outer: Option<&Block>, own: Option<&Block>) -> Option<Body> {
    let (outer, own) = match (outer, own) {
        (None, None) => return None,
        (Some(only), None) | (None, Some(only)) => return Some(only.body.clone()),
        (Some(outer), Some(own)) => (outer, own),
    };
    let mut merged = own.body.clone();
    for attribute in &outer.body.attributes {
        if merged.attribute(&attribute.name.name).is_none() {
            merged.attributes.push(attribute.clone());
        }
    }
    merged.blocks.extend(outer.body.blocks.iter().cloned());
    Some(merged)
}

/// The arguments of a kind of provisioner.
fn schema(kind: &str) -> Option<BlockSchema> {
    let text = || Type::String;
    Some(match kind {
        "local-exec" => block(&[
            ("command", text(), true),
            ("interpreter", Type::list(Type::String), false),
            ("working_dir", text(), false),
            ("environment", Type::map(Type::String), false),
            ("quiet", Type::Bool, false),
        ]),
        "remote-exec" => block(&[
            ("inline", Type::list(Type::String), false),
            ("script", text(), false),
            ("scripts", Type::list(Type::String), false),
        ]),
        "file" => block(&[
            ("source", text(), false),
            ("content", text(), false),
            ("destination", text(), true),
        ]),
        _ => return None,
    })
}

fn connection_schema() -> BlockSchema {
    const TEXTS: [&str; 20] = [
        "type",
        "user",
        "password",
        "timeout",
        "script_path",
        "target_platform",
        "private_key",
        "certificate",
        "host_key",
        "agent_identity",
        "bastion_host",
        "bastion_host_key",
        "bastion_user",
        "bastion_password",
        "bastion_private_key",
        "bastion_certificate",
        "proxy_scheme",
        "proxy_host",
        "proxy_user_name",
        "proxy_user_password",
    ];
    let mut arguments: Vec<(&str, Type, bool)> = TEXTS
        .iter()
        .map(|name| (*name, Type::String, false))
        .collect();
    arguments.extend([
        ("host", Type::String, true),
        ("cacert", Type::String, false),
        ("port", Type::Number, false),
        ("bastion_port", Type::Number, false),
        ("proxy_port", Type::Number, false),
        ("agent", Type::Bool, false),
        ("https", Type::Bool, false),
        ("insecure", Type::Bool, false),
        ("use_ntlm", Type::Bool, false),
    ]);
    block(&arguments)
}

fn block(arguments: &[(&str, Type, bool)]) -> BlockSchema {
    let attributes = arguments.iter().map(|(name, ty, required)| {
        let attribute = if *required {
            model::Attribute::required(ty.clone(), "")
        } else {
            model::Attribute::optional(ty.clone(), "")
        };
        ((*name).into(), attribute)
    });
    BlockSchema {
        attributes: attributes.collect(),
        blocks: BTreeMap::new(),
    }
}
