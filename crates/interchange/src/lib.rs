//! What Terraform's tools read: a plan and a state as `terraform show -json` writes them.
//!
//! Policy checkers, cost estimators and review bots read these documents, so they are written member by member as
//! Terraform 1.11 writes them: names, order, what is left out, and numbers with every digit. One thing is ours:
//! sensitive values are null unless somebody asks for them ([`Secrecy`]). Nothing is decided here.
//!
//! Start with [`plan`] and [`state`]; [`state_file`] writes what Terraform itself stores, and
//! [`StateFile`] reads it.

mod checks;
mod configuration;
mod file;
mod plan;
mod references;
mod state;
mod stored;
mod values;

pub use file::state_file;
pub use plan::{Making, plan};
pub use state::state;
pub use stored::{ReadModule, StateFile, Unreadable};

/// What becomes of sensitive values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// They are null; where they are is still said.
    Concealed,
    /// They are written in the clear, as Terraform writes them.
    Revealed,
}

/// The version of Terraform whose documents these are. Readers compare it to know which members to expect.
pub const TERRAFORM_VERSION: &str = "1.11.4";
