//! Brings modules and providers to this machine: from Git repositories, archives, directories, mirrors and registries.
//!
//! [`install`] follows the calls of a project (`definition::reach` says what it calls), fetches what is missing, holds
//! it against the lock file, and puts it where Terraform puts it, so that both programs use each other's installation.
//! [`Manifest`] is Terraform's list of what is installed; [`WithModules`] shows it to the compiler. What has been
//! fetched becomes part of the release when the project is compiled, so that nothing is fetched when it is applied.
//!
//! [`install_providers`] does the same for providers, with Terraform's own lock file (`provider`). [`Backends`]
//! fetches states from where the backends of Terraform keep them.
//!
//! Nothing is decided here about a project, and nothing is run that was fetched. The way of a package: `discovery` (the
//! registry) -> `fetch` (how the address says) -> `git`, `http`, `archive` -> `tree` (its digest) -> `lock` ->
//! `install` (its place).

mod address;
mod archive;
mod diag;
mod discovery;
mod document;
mod fetch;
mod git;
mod http;
mod install;
mod kept;
mod limits;
mod lock;
mod manifest;
mod provider;
mod settings;
mod tree;
mod written;

pub use diag::CODES;
pub use document::{Away, Backends, Fetched};
pub use install::{Event, Installation, Options, WithModules, install};
pub use kept::arguments;
pub use lock::LOCK_FILE;
pub use manifest::Manifest;
pub use provider::{
    InstalledProvider, PROVIDER_LOCK_FILE, ProviderEvent, ProviderOptions, install_providers,
    installed_provider,
};
pub use settings::Settings;

/// An error with its causes, as one sentence without its full stop.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.trim_end_matches('.').to_owned()
}
