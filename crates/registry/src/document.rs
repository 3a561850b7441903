//! One document over HTTP, for whoever else needs one: with the certificates, proxies and limits of everything here.

use crate::Settings;
use crate::http::{Ask, Client};
use crate::kept::Kept;
use hyper::StatusCode;
use std::sync::Arc;

/// What is kept at an address; none where the server says that there is nothing.
///
/// # Errors
/// When it cannot be had, in words without a full stop.
pub async fn document(
    settings: Settings,
    kept: &Kept,
    limit_bytes: u64,
) -> Result<Option<Vec<u8>>, String> {
    let client = Client::new(Arc::new(settings));
    let ask = Ask {
        url: &kept.url,
        token: None,
        limit_bytes,
    };
    let answer = client.document(ask).await;
    let answer = answer.map_err(|error| crate::chain(&error))?;
    let says = |text: &str| {
        let mut parts = answer.body.windows(text.len());
        parts.any(|part| part == text.as_bytes())
    };
    match answer.status {
        StatusCode::OK => Ok(Some(answer.body)),
        StatusCode::NO_CONTENT => Ok(None),
        StatusCode::NOT_FOUND if kept.absent.is_none_or(says) => Ok(None),
        StatusCode::NOT_FOUND if says("<Code>NoSuchBucket</Code>") => {
            Err("there is no such bucket".to_owned())
        }
        status => Err(format!("the server answered {status}")),
    }
}
