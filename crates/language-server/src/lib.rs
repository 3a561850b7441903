//! The language server: what an editor asks about a text while it is being written.
//!
//! [`serve`] speaks the Language Server Protocol 3.17 over one [`Connection`]: diagnostics as you type, hover, go to
//! definition, completion, the outline of a file, and formatting. What is wrong and what it means comes from
//! `definition`, the same compiler that `steadfast validate` runs, with the editor's unsaved texts in place of files.
//!
//! Nothing is written, nothing is planned, no provider is started. A text that cannot be parsed is the normal case:
//! completion reads the words before the cursor (`scan`), everything else the tree with its holes.
//!
//! Start with [`serve`], then `server`.

mod answer;
mod blocks;
mod complete;
mod document;
mod functions;
mod index;
pub mod limits;
mod meaning;
mod scan;
mod server;
mod workspace;

pub use server::{ServerError, serve};

use definition::Files;
use lsp_server::Connection;
use model::ProviderSchema;
use std::path::Path;

/// What the server must be given of the outside.
pub struct Surroundings<'a> {
    /// What providers offer.
    pub schemas: &'a [ProviderSchema],
    /// The files of the module in a directory, as they are on the disk.
    pub files: &'a dyn Fn(&Path) -> Box<dyn Files>,
}

/// Serves one client over standard input and output, until it says `exit` or hangs up.
///
/// # Errors
/// When the client breaks the protocol or goes away in the middle of a message.
pub fn serve_stdio(surroundings: &Surroundings<'_>) -> Result<(), ServerError> {
    let (connection, threads) = Connection::stdio();
    let result = serve(&connection, surroundings);
    // The writing thread ends when nobody can send any more.
    drop(connection);
    result?;
    threads.join().map_err(ServerError::Stream)
}
