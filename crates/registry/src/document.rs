//! What backends keep, fetched: with the certificates, proxies and limits of everything here.

use crate::Settings;
use crate::http::{Ask, Client};
use crate::kept::{Asked, Kept, arguments, kept};
use crate::limits::STATE_BYTES_MAX;
use contract::{Clock, Pending, States, Unavailable};
use hyper::StatusCode;
use std::sync::Arc;
use value::Value;

/// [`States`] behind the backends `http` and `s3`.
#[derive(Clone)]
pub struct Backends {
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl Backends {
    /// Those that this environment can open. Signatures hold for a while from what the clock says.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock }
    }

    async fn fetch(
        &self,
        backend: &str,
        config: &Value,
        workspace: &str,
    ) -> Result<Option<Vec<u8>>, String> {
        let kept = kept(
            backend,
            &Asked {
                arguments: &arguments(config),
                settings: &self.settings,
                workspace,
                now_ms: self.clock.now_ms(),
            },
        )?;
        let Some(kept) = kept else { return Ok(None) };
        let found = document(self.settings.clone(), &kept, STATE_BYTES_MAX).await;
        found.map_err(|why| format!("{}: {why}", kept.shown))
    }
}

impl States for Backends {
    fn state<'a>(
        &'a self,
        backend: &'a str,
        config: &'a Value,
        workspace: &'a str,
    ) -> Pending<'a, Result<Option<Vec<u8>>, Unavailable>> {
        Box::pin(async move {
            let found = self.fetch(backend, config, workspace).await;
            found.map_err(Unavailable)
        })
    }
}

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
