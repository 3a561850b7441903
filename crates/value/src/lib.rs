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

mod data;
mod diagnostic;
mod evaluate;
mod expr;
mod number;
mod types;

pub use data::{Data, Marks, Name, Unknown, Value};
pub use diagnostic::{Diagnostic, Diagnostics, Severity, SourceId, Span};
pub use expr::{BinaryOperator, Expr, ExprKind, Reference, Scope, UnaryOperator};
pub use number::Number;
pub use types::{ObjectType, Type};
