//! Compiled expressions and how they are evaluated.

use crate::functions::{Called, Circumstances, Declaration};
use crate::{Budget, Diagnostics, Marks, Name, Span, Type, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A compiled expression with the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expr {
    /// What to compute.
    pub kind: ExprKind,
    /// Where it was written.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// Something outside the expression, asked of the [`Scope`].
    Reference(Reference),
    /// One instance (`r[key]`, `module.m[key].out`) of something outside: asked of the [`Scope`] without building the
    /// whole collection.
    Instance(Reference, Box<Expr>),
    /// The variable of an enclosing `for`; the empty name is the item of an enclosing splat.
    Iteration(Name),
    /// `"...${part}..."`: all parts as one text.
    Template(Vec<Expr>),
    /// `source.name`.
    Attribute(Box<Expr>, Name),
    /// `source[key]`.
    Index(Box<Expr>, Box<Expr>),
    /// `source[*]` and `source.*`: `each` for every item, which it names [`ExprKind::Iteration`] of the empty name.
    Splat {
        /// What is gone through; anything that is no collection counts as a collection of itself, null as an empty one.
        source: Box<Expr>,
        /// Computed for each item.
        each: Box<Expr>,
    },
    /// `-x`, `!x`.
    Unary(UnaryOperator, Box<Expr>),
    /// `x + y` and so on.
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `condition ? then : otherwise`.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `name(arguments...)`.
    Call {
        /// Function name.
        name: Name,
        /// Arguments.
        arguments: Vec<Expr>,
        /// The last argument is a sequence of further arguments (`...`).
        expand_last: bool,
    },
    /// `[a, b]`.
    Tuple(Vec<Expr>),
    /// `{ key = value }`.
    Object(Vec<(Expr, Expr)>),
    /// `[for k, v in collection : result if condition]`.
    ForTuple {
        /// Name of the key or index, if one was written.
        key: Option<Name>,
        /// Name of the element.
        value: Name,
        /// What is gone through.
        collection: Box<Expr>,
        /// Which elements count.
        condition: Option<Box<Expr>>,
        /// What each gives.
        result: Box<Expr>,
    },
    /// `{for k, v in collection : key => value... if condition}`.
    ForObject {
        /// Name of the key or index, if one was written.
        key: Option<Name>,
        /// Name of the element.
        value: Name,
        /// What is gone through.
        collection: Box<Expr>,
        /// Which elements count.
        condition: Option<Box<Expr>>,
        /// Key of each.
        result_key: Box<Expr>,
        /// Value of each.
        result_value: Box<Expr>,
        /// Values of equal keys are gathered in a tuple (`...`).
        group: bool,
    },
    /// The operand converted to a type: where a schema or a constraint demands one.
    Convert(Box<Expr>, Type),
    /// `(x)`: the same value; the parentheses count where a place is told.
    Parenthesised(Box<Expr>),
    /// `"${x}"`: the same value; so do the quotes.
    Interpolated(Box<Expr>),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnaryOperator {
    /// `-`.
    Negate,
    /// `!`.
    Not,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BinaryOperator {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// What an expression can refer to outside itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reference {
    /// `var.NAME`.
    Variable(Name),
    /// `local.NAME`.
    Local(Name),
    /// `TYPE.NAME` (managed).
    Resource(Name, Name),
    /// `data.TYPE.NAME`.
    Data(Name, Name),
    /// `ephemeral.TYPE.NAME`.
    Ephemeral(Name, Name),
    /// `module.NAME`: all outputs.
    Module(Name),
    /// `module.NAME.OUTPUT`, kept apart so that one output never waits for the others.
    ModuleOutput(Name, Name),
    /// `each.key`.
    EachKey,
    /// `each.value`.
    EachValue,
    /// `count.index`.
    CountIndex,
    /// `path.module`.
    PathModule,
    /// `path.root`.
    PathRoot,
    /// `path.cwd` in releases of before; now it is a call of `abspath`.
    PathCwd,
    /// `terraform.workspace`.
    Workspace,
    /// `terraform.applying`: whether changes are being carried out, an ephemeral value.
    Applying,
    /// `self`.
    SelfObject,
    /// `environment.name` (delivery).
    EnvironmentName,
    /// `service.NAME.port` (delivery): the port that clients of that service use, known once the router has it.
    ServicePort(Name),
}

/// By which name a compiled expression calls a function of a provider, given what the module calls the provider and
/// what the function is called; none where there is no such function.
pub type FindFunction<'a> = dyn Fn(&str, &str) -> Option<Name> + 'a;

/// What reads texts that only show themselves when they are needed: who knows the language stands beside this room and
/// hands it down.
#[derive(Clone, Copy, Debug)]
pub struct TextReader {
    /// See [`Scope::template`].
    pub template: fn(&str, &FindFunction<'_>) -> Result<Expr, Diagnostics>,
    /// See [`Scope::variables`].
    pub variables: fn(&str) -> Result<BTreeMap<Name, Value>, Diagnostics>,
}

/// Answers what an expression asks of the outside.
pub trait Scope {
    /// The value of a reference, with all its instances where it has several.
    ///
    /// # Errors
    /// Diagnostics when there is nothing of that name, or its own evaluation failed.
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics>;

    /// One instance of a reference that has several.
    ///
    /// # Errors
    /// Diagnostics when there is no such instance.
    fn instance(
        &self,
        reference: &Reference,
        key: &Value,
        span: Span,
    ) -> Result<Value, Diagnostics>;

    /// The content of a file that the release carries, by path relative to the root module (`./` and `..` resolved);
    /// none when it carries no such file. A path with two slashes in a row asks for something else of the machine
    /// (`functions::listing` and its neighbours).
    fn file(&self, path: &str) -> Option<Arc<[u8]>>;

    /// Takes note that a file will be read whose path is not known yet.
    fn reads_later(&self) {}

    /// The expression that a text stands for as a template, in which the variables of the template are attributes of
    /// what [`crate::functions::TEMPLATE_VARIABLES`] names; its places are in the text. `name` is what the text is
    /// spoken of by. None where nobody can read templates.
    fn template(&self, _text: &str, _name: &str) -> Option<Result<Expr, Diagnostics>> {
        None
    }

    /// The values in a text that has the form of a variables file; places are in the text. None where nobody can read
    /// such texts.
    fn variables(&self, _text: &str) -> Option<Result<BTreeMap<Name, Value>, Diagnostics>> {
        None
    }

    /// The time and what is drawn by chance, for functions that depend on them; none where neither is known, as in a
    /// constant: then their results are unknown.
    fn circumstances(&self) -> Option<&Circumstances> {
        None
    }

    /// Whether only what is written has a value: functions may not be called, and of a text with anything else in it
    /// not even the beginning is known.
    fn is_of_constants(&self) -> bool {
        false
    }

    /// How its provider declares the function that compiled expressions call by this name; none where there is no such
    /// function.
    fn declared(&self, _name: &str) -> Option<&Declaration> {
        None
    }

    /// What is known of a call of a declared function. The arguments are of the types that it declares, and without
    /// marks: those that they had together stand beside them.
    fn called(&self, _name: &str, _arguments: &[Value], _marks: Marks) -> Called {
        Called::Open
    }

    /// The budget that this evaluation draws on. A scope that evaluates further expressions to answer gives one, so
    /// that they are counted together; without one, every evaluation has its own.
    fn budget(&self) -> Option<&Budget> {
        None
    }
}

impl Expr {
    /// Computes the value.
    ///
    /// # Errors
    /// All diagnostics found on the way.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, Diagnostics> {
        crate::evaluate::evaluate(self, scope)
    }

    /// Visits all references to the outside, in the order written, with the instance key where one is given.
    pub fn references(&self, visit: &mut dyn FnMut(&Reference, Option<&Expr>, Span)) {
        match &self.kind {
            ExprKind::Reference(reference) => visit(reference, None, self.span),
            ExprKind::Instance(reference, key) => {
                visit(reference, Some(key), self.span);
                key.references(visit);
            }
            _ => self.each_child(&mut |child| child.references(visit)),
        }
    }

    /// Whether it gives the same value in every scope: nothing outside is referred to.
    pub fn is_constant(&self) -> bool {
        let mut constant = true;
        self.references(&mut |_, _, _| constant = false);
        constant
    }

    /// Visits the expressions directly inside, in the order written.
    pub fn each_child<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Iteration(_) => {}
            ExprKind::Instance(_, inner)
            | ExprKind::Attribute(inner, _)
            | ExprKind::Unary(_, inner)
            | ExprKind::Convert(inner, _)
            | ExprKind::Parenthesised(inner)
            | ExprKind::Interpolated(inner) => visit(inner),
            ExprKind::Template(parts)
            | ExprKind::Tuple(parts)
            | ExprKind::Call {
                arguments: parts, ..
            } => parts.iter().for_each(visit),
            ExprKind::Index(first, second) | ExprKind::Binary(_, first, second) => {
                visit(first);
                visit(second);
            }
            ExprKind::Splat { source, each } => {
                visit(source);
                visit(each);
            }
            ExprKind::Conditional(condition, then, otherwise) => {
                visit(condition);
                visit(then);
                visit(otherwise);
            }
            ExprKind::Object(entries) => {
                for (key, value) in entries {
                    visit(key);
                    visit(value);
                }
            }
            ExprKind::ForTuple {
                collection,
                condition,
                result,
                ..
            } => {
                visit(collection);
                visit(result);
                condition.iter().for_each(|condition| visit(condition));
            }
            ExprKind::ForObject {
                collection,
                condition,
                result_key,
                result_value,
                ..
            } => {
                visit(collection);
                visit(result_key);
                visit(result_value);
                condition.iter().for_each(|condition| visit(condition));
            }
        }
    }
}

/// A scope in which there is nothing: for expressions that refer to nothing, and types that follow from types.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Scope for Nowhere {
    fn resolve(&self, _: &Reference, span: Span) -> Result<Value, Diagnostics> {
        Err(crate::diag::unknown_variable("anything", span).into())
    }

    fn instance(&self, of: &Reference, _: &Value, span: Span) -> Result<Value, Diagnostics> {
        self.resolve(of, span)
    }

    fn file(&self, _: &str) -> Option<Arc<[u8]>> {
        None
    }
}
