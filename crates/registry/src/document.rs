//! One document over HTTP, for whoever else needs one: with the certificates, proxies and limits of everything here.

use crate::Settings;
use crate::http::{Ask, Client};
use hyper::StatusCode;
use std::sync::Arc;

/// The document at an address, which may name a user and a password; none where the server says that there is none.
///
/// # Errors
/// When it cannot be had, in words without a full stop.
pub async fn document(
    settings: Settings,
    url: &str,
    limit_bytes: u64,
) -> Result<Option<Vec<u8>>, String> {
    let client = Client::new(Arc::new(settings));
    let ask = Ask {
        url,
        token: None,
        limit_bytes,
    };
    let answer = client.document(ask).await;
    let answer = answer.map_err(|error| crate::chain(&error))?;
    match answer.status {
        StatusCode::OK => Ok(Some(answer.body)),
        StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => Ok(None),
        status => Err(format!("the server answered {status}")),
    }
}
