//! Artifacts: built once from a source tree, packed reproducibly, named by their content, checked before every use.
//!
//! [`Store`] is the embedded store: an OCI image layout on the local disk that needs no registry. It implements
//! [`contract::Artifacts`] and nothing else. It deliberately does not decide when something is built or run, does not
//! sign (that is a later floor of the same house), does not talk to a registry, and never deletes an artifact.
//!
//! The way of a build: `source` copies the tree and takes its fingerprint, `command` runs the build in a clean
//! environment, `layer` packs the chosen files, `layout` stores them. The way back, `unpack`, trusts nothing that it
//! has not hashed. Start with [`Store`].

mod command;
mod diag;
mod digesting;
mod ignore;
mod layer;
mod layout;
mod limits;
mod oci;
mod output;
mod path;
mod pick;
mod scratch;
mod source;
mod store;
mod unpack;

pub use diag::CODES;
pub use store::{Options, Store};

/// An error with everything that caused it, in one line for a person.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
