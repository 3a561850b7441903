//! The JSON form of the language: the same blocks, arguments and expressions, written as JSON.
//!
//! What a JSON value means depends on where it stands: an object is the inside of a block, a step of its labels, or a
//! value; a text is a template, a reference or a plain text. `forms` knows that of everything that is the same in every
//! module, so that `body` makes ordinary [`crate::syntax`] of it. The arguments of resources and providers are known
//! from their schemas only: they stay as they were read ([`Node`] in [`crate::syntax::ExpressionKind::Json`]) until
//! [`decide`] or the lowering of expressions asks what they are. So nothing behind this room has to know JSON.
//!
//! The way of a text: `read` (text to nodes) -> `body` (nodes to blocks, by `forms`) -> `expression` (nodes to
//! expressions).

mod body;
mod expression;
mod forms;
mod read;

pub(crate) use body::{decide, is_undecided, mock_body, module_body, test_body, variables_body};
pub(crate) use expression::expression;
pub(crate) use forms::Reading;
pub(crate) use read::{Container, Node, container};
