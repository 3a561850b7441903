//! What a datum is, and how to compute with it.
//!
//! A [`Value`] is data of a [`Type`]: exact numbers, NFC strings, collections, null, unknown, each of them possibly
//! marked (sensitive, ephemeral) at any depth. An [`Expr`] is a compiled expression over values: pure data that can be
//! stored, hashed and evaluated later, when the world has answered. This room knows no resource, release or provider,
//! and has no clock, file or socket.
//!
//! Start with [`Value`], then [`Expr`] and [`Scope`].

#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod budget;
mod calendar;
mod console;
mod convert;
mod data;
mod defaults;
mod diag;
mod diagnostic;
mod equal;
mod evaluate;
mod expr;
pub mod functions;
mod identifier;
pub mod json;
pub mod limits;
mod near;
mod number;
mod path;
mod render;
pub mod stored;
mod types;
mod unify;
mod unknown;

pub use budget::{Budget, Exhausted};
pub use calendar::Moment;
pub use console::is_visible;
pub use convert::{ConvertError, convert, convert_type};
pub use data::{Data, Marks, Name, Value};
pub use defaults::Defaults;
pub use diag::CODES;
pub use diagnostic::{Diagnostic, Diagnostics, Hint, Severity, SourceId, Span};
pub use equal::equal;
pub use expr::{
    BinaryOperator, Expr, ExprKind, FindFunction, Nowhere, Reference, Scope, TextReader,
    UnaryOperator,
};
pub use identifier::{continues_identifier, is_identifier, starts_identifier};
pub use near::nearest;
pub use number::{Number, NumberError};
pub use path::{Path, PathStep};
pub use types::{ObjectType, Type, TypeInWords};
pub use unify::unify;
pub use unknown::{Bounds, Unknown};
