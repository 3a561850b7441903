//! `lsp`: an editor is served over standard input and output.

use crate::error::CommandError;
use crate::files::DiskFiles;
use crate::session::Session;
use definition::Files;
use language_server::Surroundings;
use std::path::Path;

/// `lsp`.
pub(crate) fn serve(session: &Session) -> Result<u8, CommandError> {
    // An editor is served whatever is wrong with the providers: it is where that is mended.
    let schemas = session
        .schemas_of_all_types()
        .unwrap_or_else(|_| session.built_in_schemas());
    let files =
        |directory: &Path| -> Box<dyn Files> { Box::new(DiskFiles::new(directory.to_path_buf())) };
    let surroundings = Surroundings {
        schemas: &schemas,
        files: &files,
    };
    match language_server::serve_stdio(&surroundings) {
        Ok(()) => Ok(crate::exit::OK),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            Err(CommandError::Failed(format!(
                "The editor was served until it broke off: {error}{cause}"
            )))
        }
    }
}
