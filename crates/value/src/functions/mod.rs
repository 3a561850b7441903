//! The functions of the language, as a table.
//!
//! Each entry says what a function takes, how it treats nulls, unknowns and marks, and what it gives; arguments are
//! checked and converted by the entry before the body sees them. So bodies deal with data only, and the table can be
//! printed. What a body needs of the outside (files, the time, chance) it asks of the scope.

mod charset;
mod collection;
mod conversion;
mod csv;
mod declared;
mod deflate;
mod draw;
mod encoding;
mod files;
mod format;
mod glob;
mod hash;
mod network;
mod numeric;
mod pattern;
mod rounding;
mod rsa;
mod sequence;
mod set;
mod signature;
mod template;
mod terraform;
mod text;
mod time;
mod yaml_read;
mod yaml_write;

pub(crate) use declared::shown_name;
pub use declared::{Called, Declaration, DeclaredParameter, declared_name};
pub use draw::Circumstances;
pub use files::{HOME, LATE_FILE, WORKING_DIRECTORY, listing};
pub use glob::FileSet;
pub(crate) use numeric::in_doubles;
pub use pattern::{fits, mistake};
pub use signature::{ShownParameter, Signature};
pub(crate) use template::unsuitable_template;
pub use template::{TEMPLATE_ARGUMENT, TEMPLATE_VARIABLES};
pub use terraform::{TERRAFORM_PROVIDER, provider_function_name, terraform_function_names};

use crate::{Diagnostics, Marks, Number, Scope, Span, Type, Value, convert};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One function.
#[derive(Debug)]
pub struct Function {
    /// Its name; `core::` before it names the same.
    pub name: &'static str,
    /// What it is about.
    pub category: Category,
    /// What it does, in one line.
    pub description: &'static str,
    /// What it must be given.
    pub parameters: &'static [Parameter],
    /// What it may be given any number of beyond that.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Returns,
    /// Whether the result can be null, which decides what is known of it while it is unknown.
    pub(crate) maybe_null: bool,
    pub(crate) special: Special,
    pub(crate) body: Body,
}

type Body = fn(&Call<'_>) -> Result<Value, CallError>;

/// What functions are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Arithmetic beyond the operators.
    Numeric,
    /// Text.
    String,
    /// Lists, sets, maps, objects.
    Collection,
    /// Other notations.
    Encoding,
    /// Files that belong to the release.
    Filesystem,
    /// Points in time given as text.
    DateAndTime,
    /// Digests.
    Hash,
    /// Addresses of networks.
    Network,
    /// Types and marks.
    Conversion,
}

/// One parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name, for messages.
    pub name: &'static str,
    /// What is converted to before the function sees it.
    pub ty: Kind,
    /// Whether null may be given.
    pub nullable: bool,
    /// Whether the type of an argument must be known before anything can be said of the result.
    pub typed: bool,
    /// What it is for, where its name does not say all; empty otherwise.
    pub description: &'static str,
    /// The type that people are told where the function itself looks at what it is given.
    shown_as: Option<Kind>,
    unknowns: Unknowns,
    marking: Marking,
}

/// The type of a parameter or result, as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(...)`.
    List(&'static Kind),
    /// `set(...)`.
    Set(&'static Kind),
    /// `map(...)`.
    Map(&'static Kind),
}

/// Which unknown arguments make the result unknown without asking the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknowns {
    /// Those with anything unknown inside.
    Anywhere,
    /// Those that are themselves unknown.
    Itself,
    /// None: the body decides.
    Never,
}

/// What becomes of the marks of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marking {
    /// All of them, also from inside, pass to the whole result.
    Whole,
    /// Those of the argument itself pass to the result; what is inside keeps its own and is passed on with them.
    Outer,
    /// The body sees and handles them.
    Body,
}

/// The type of a result.
#[derive(Clone, Copy, Debug)]
pub enum Returns {
    /// Always this one.
    Fixed(Kind),
    /// It follows from the arguments (known or not), which can be unsuitable whatever their values turn out to be.
    Follows(FollowingType),
}

/// The type of a result, from arguments that need not be known.
#[derive(Clone, Copy, Debug)]
pub struct FollowingType(pub(crate) fn(&Call<'_>) -> Result<Type, CallError>);

/// Functions whose arguments the evaluator itself has to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    No,
    Can,
    Try,
    /// The first argument has to be a reference.
    Reference,
}

impl Kind {
    /// The same as a type.
    pub fn to_type(self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List(element) => Type::list(element.to_type()),
            Self::Set(element) => Type::set(element.to_type()),
            Self::Map(element) => Type::map(element.to_type()),
        }
    }
}

impl Parameter {
    const fn new(name: &'static str, ty: Kind) -> Self {
        Self {
            name,
            ty,
            nullable: false,
            typed: false,
            description: "",
            shown_as: None,
            unknowns: Unknowns::Anywhere,
            marking: Marking::Whole,
        }
    }

    const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    const fn typed(mut self) -> Self {
        self.typed = true;
        self
    }

    const fn described(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    const fn shown_as(mut self, kind: Kind) -> Self {
        self.shown_as = Some(kind);
        self
    }

    /// Unknowns inside are the body's business.
    const fn shallow(mut self) -> Self {
        self.unknowns = Unknowns::Itself;
        self
    }

    /// All unknowns are the body's business.
    const fn seen(mut self) -> Self {
        self.unknowns = Unknowns::Never;
        self
    }

    /// Elements keep their marks.
    const fn outer(mut self) -> Self {
        self.marking = Marking::Outer;
        self
    }

    /// All marks are the body's business.
    const fn marked(mut self) -> Self {
        self.marking = Marking::Body;
        self
    }

    /// The argument as the body wants it; adds to `marks` what passes to the result and clears `known` when the result
    /// cannot be known. `undecided`: the type of an argument before is not known, so that the body is not asked.
    pub(crate) fn prepare(
        &self,
        argument: &Value,
        undecided: bool,
        marks: &mut Marks,
        known: &mut bool,
    ) -> Result<Value, String> {
        let value = convert(argument, &self.ty.to_type()).map_err(|error| error.to_string())?;
        if value.is_null() && !self.nullable && !undecided {
            return Err("argument must not be null".to_string());
        }
        let is_open = match self.unknowns {
            Unknowns::Anywhere => !value.is_wholly_known(),
            Unknowns::Itself => !value.is_known(),
            Unknowns::Never => false,
        };
        if is_open {
            *known = false;
            *marks = marks.union(value.marks_deep());
        }
        Ok(match self.marking {
            Marking::Whole => {
                *marks = marks.union(value.marks_deep());
                value.unmark_all()
            }
            Marking::Outer => {
                *marks = marks.union(value.marks());
                value.without_marks()
            }
            Marking::Body => value,
        })
    }
}

impl Function {
    const fn new(
        name: &'static str,
        category: Category,
        description: &'static str,
        parameters: &'static [Parameter],
        returns: Returns,
        body: Body,
    ) -> Self {
        Self {
            name,
            category,
            description,
            parameters,
            variadic: None,
            returns,
            maybe_null: false,
            special: Special::No,
            body,
        }
    }

    const fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    const fn maybe_null(mut self) -> Self {
        self.maybe_null = true;
        self
    }

    const fn special(mut self, special: Special) -> Self {
        self.special = special;
        self
    }

    /// The parameter that takes the argument at a position.
    pub fn parameter(&self, index: usize) -> Option<&Parameter> {
        self.parameters.get(index).or(self.variadic.as_ref())
    }

    /// Whether it reads the file that its first argument names.
    pub(crate) fn reads_files(&self) -> bool {
        self.category == Category::Filesystem
            && (self.name == "templatefile"
                || self.name.starts_with("file") && self.name != "fileset")
    }

    /// What is given while an argument is unknown.
    pub(crate) fn unknown_result(&self, call: &Call<'_>) -> Result<Value, CallError> {
        let ty = match self.returns {
            Returns::Fixed(kind) => kind.to_type(),
            Returns::Follows(ty) => (ty.0)(call)?,
        };
        Ok(if self.maybe_null || ty == Type::Any {
            Value::unknown(ty)
        } else {
            Value::unknown_not_null(ty)
        })
    }
}

/// The tables, one for each file.
const TABLES: [&[Function]; 16] = [
    numeric::FUNCTIONS,
    text::FUNCTIONS,
    format::FUNCTIONS,
    collection::FUNCTIONS,
    sequence::FUNCTIONS,
    set::FUNCTIONS,
    encoding::FUNCTIONS,
    files::FUNCTIONS,
    hash::FUNCTIONS,
    draw::FUNCTIONS,
    charset::FUNCTIONS,
    rsa::FUNCTIONS,
    template::FUNCTIONS,
    network::FUNCTIONS,
    time::FUNCTIONS,
    conversion::FUNCTIONS,
];

/// All functions, by subject.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    TABLES.iter().copied().flatten()
}

/// All names, by subject.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    functions().map(|function| function.name)
}

/// The function of a name, with or without `core::`, or the name of one of a provider in a compiled expression.
pub fn function(name: &str) -> Option<&'static Function> {
    if let Some(found) = terraform::compiled(name) {
        return Some(found);
    }
    let name = name.strip_prefix("core::").unwrap_or(name);
    functions().find(|function| function.name == name)
}

/// Calls a function on values. `can` and `try` see values that could be computed, so they answer accordingly.
///
/// # Errors
/// Diagnostics when there is no such function, arguments do not fit, or the function fails.
pub fn call(
    name: &str,
    arguments: Vec<Value>,
    scope: &dyn Scope,
    span: Span,
) -> Result<Value, Diagnostics> {
    crate::evaluate::call(name, arguments, scope, span)
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallError {
    /// The argument to blame, if it is one.
    pub(crate) argument: Option<usize>,
    /// What is wrong: a phrase without capital and full stop.
    pub(crate) message: String,
    /// What was found inside and is to be passed on instead.
    pub(crate) found: Option<Diagnostics>,
}

impl CallError {
    pub(crate) fn argument(index: usize, message: impl Into<String>) -> Self {
        Self {
            argument: Some(index),
            message: message.into(),
            found: None,
        }
    }

    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            argument: None,
            message: message.into(),
            found: None,
        }
    }

    pub(crate) fn found(found: Diagnostics) -> Self {
        Self {
            argument: None,
            message: String::new(),
            found: Some(found),
        }
    }
}

impl From<crate::NumberError> for CallError {
    fn from(error: crate::NumberError) -> Self {
        Self::new(error.to_string())
    }
}

/// One call, as a body sees it: arguments already converted and checked by the table.
pub(crate) struct Call<'a> {
    arguments: &'a [Value],
    scope: &'a dyn Scope,
    /// Of all arguments together.
    marks: Marks,
    /// Something in the arguments must not be shown, so messages must not quote them.
    hidden: bool,
}

impl<'a> Call<'a> {
    /// `marks` are those of all arguments together.
    pub(crate) fn new(arguments: &'a [Value], scope: &'a dyn Scope, marks: Marks) -> Self {
        Self {
            arguments,
            scope,
            marks,
            hidden: !marks.is_empty(),
        }
    }

    /// What the scope knows of time and chance; nothing where it knows none.
    fn circumstances<T>(&self, ask: impl FnOnce(&Circumstances) -> Option<T>) -> Option<T> {
        self.scope.circumstances().and_then(ask)
    }

    fn rest(&self, from: usize) -> &'a [Value] {
        self.arguments.get(from..).unwrap_or_default()
    }

    fn value(&self, index: usize) -> Result<&'a Value, CallError> {
        self.arguments
            .get(index)
            .ok_or_else(|| CallError::argument(index, "argument is missing"))
    }

    fn text(&self, index: usize) -> Result<&'a str, CallError> {
        self.value(index)?
            .as_str()
            .ok_or_else(|| CallError::argument(index, "string required"))
    }

    fn number(&self, index: usize) -> Result<&'a Number, CallError> {
        self.value(index)?
            .as_number()
            .ok_or_else(|| CallError::argument(index, "number required"))
    }

    fn integer(&self, index: usize) -> Result<i64, CallError> {
        self.number(index)?
            .as_i64()
            .ok_or_else(|| CallError::new(whole_number_wanted()))
    }

    /// The elements of a list, set or tuple.
    fn items(&self, index: usize) -> Result<&'a [Value], CallError> {
        self.value(index)?
            .elements()
            .ok_or_else(|| CallError::argument(index, "list, set or tuple required"))
    }

    /// The elements of a list of strings; null elements are none.
    fn texts(&self, index: usize) -> Result<impl Iterator<Item = Option<&'a str>>, CallError> {
        Ok(self.items(index)?.iter().map(Value::as_str))
    }

    /// A text from the arguments in quotes for a message, or a stand-in where it must not be shown.
    fn shown(&self, text: &str) -> String {
        if self.hidden {
            "(sensitive value)".to_string()
        } else {
            alloc::format!("{text:?}")
        }
    }

    /// The same for a number.
    fn shown_number(&self, number: &Number) -> String {
        if self.hidden {
            "(sensitive value)".to_string()
        } else {
            number.to_string()
        }
    }
}

fn whole_number_wanted() -> String {
    alloc::format!(
        "value must be a whole number, between {} and {}",
        i64::MIN,
        i64::MAX
    )
}

const STRING: Returns = Returns::Fixed(Kind::String);
const NUMBER: Returns = Returns::Fixed(Kind::Number);
const BOOL: Returns = Returns::Fixed(Kind::Bool);
const STRINGS: Returns = Returns::Fixed(Kind::List(&Kind::String));
const ANY: Returns = Returns::Fixed(Kind::Any);
const ANY_LIST: Kind = Kind::List(&Kind::Any);
const STRING_LIST: Kind = Kind::List(&Kind::String);

fn strings(items: impl Iterator<Item = impl AsRef<str>>) -> Value {
    Value::list(Type::String, items.map(Value::string).collect())
}

const fn follows(ty: fn(&Call<'_>) -> Result<Type, CallError>) -> Returns {
    Returns::Follows(FollowingType(ty))
}

/// The type of the first argument, where the result has the same.
fn type_of_first(call: &Call<'_>) -> Result<Type, CallError> {
    Ok(call.value(0)?.ty())
}
