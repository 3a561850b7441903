//! Functions of the provider `host`, and how they answer: what a file of this machine holds.

use crate::limits::{FILE_BYTES_MAX, PATH_BYTES_MAX};
use crate::provider::Host;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{CallAnswer, CallQuestion};
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use value::{Type, Value};

impl Host {
    /// What a function gives.
    pub(crate) async fn called(&self, question: &CallQuestion) -> CallAnswer {
        let path = question.arguments.first().and_then(Value::as_str);
        let Some(path) = path.filter(|path| path.len() <= PATH_BYTES_MAX) else {
            return refused(format!(
                "a path of at most {PATH_BYTES_MAX} bytes is needed"
            ));
        };
        let file = self.path(path);
        let read = tokio::task::spawn_blocking(move || content(&file)).await;
        match read.unwrap_or_else(|_| Err("it could not be read to its end".to_owned())) {
            Ok(Some(content)) => CallAnswer::Gives(Value::string(STANDARD.encode(content))),
            Ok(None) => CallAnswer::Gives(Value::null(Type::String)),
            Err(why) => refused(why),
        }
    }
}

fn refused(why: String) -> CallAnswer {
    CallAnswer::Refuses {
        why,
        argument: Some(0),
    }
}

/// The content of a file; none where there is none.
///
/// # Errors
/// Why it cannot be read.
fn content(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("failed to read {shown}: {error}");
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(cannot(error)),
    };
    if !file.metadata().map_err(cannot)?.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut content)
        .map_err(cannot)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(format!(
            "{shown} has more than {FILE_BYTES_MAX} bytes, and its content would stand in the book"
        ));
    }
    Ok(Some(content))
}
