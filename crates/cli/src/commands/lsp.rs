//! `lsp`: an editor is served over standard input and output.

use crate::error::CommandError;
use crate::files::DiskFiles;
use crate::session::Session;
use definition::Files;
use language_server::Surroundings;
use std::path::Path;

/// `lsp`.
pub(crate) fn serve(session: &Session) -> Result<u8, CommandError> {
    let schemas = session.schemas();
    let files =
        |directory: &Path| -> Box<dyn Files> { Box::new(DiskFiles::new(directory.to_path_buf())) };
    language_server::serve_stdio(&Surroundings {
        schemas: &schemas,
        files: &files,
    })?;
    Ok(crate::exit::OK)
}
