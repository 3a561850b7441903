//! What backends keep, fetched: with the certificates, proxies and limits of everything here.

use crate::Settings;
use crate::kept::{Asked, arguments, kept};
use crate::limits::STATE_BYTES_MAX;
use contract::{Clock, Pending, States, Unavailable};
use std::collections::BTreeMap;
use std::sync::Arc;
use value::Value;

/// [`States`] behind every backend that is not on this machine and is read (`kept`).
#[derive(Clone)]
pub struct Backends {
    environment: BTreeMap<String, String>,
    clock: Arc<dyn Clock>,
}

/// What a backend keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where, as people may see it.
    pub shown: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Why nothing could be had, in words without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Where, as people may see it; none where the settings do not say it.
    pub shown: Option<String>,
    /// What is wrong.
    pub why: String,
}

impl Backends {
    /// Those that this environment can open. Signatures hold for a while from what the clock says.
    pub fn new(environment: BTreeMap<String, String>, clock: Arc<dyn Clock>) -> Self {
        Self { environment, clock }
    }

    /// What a backend of this kind keeps for a workspace; none where it says that there is nothing. The arguments are
    /// those of its block ([`arguments`]).
    ///
    /// # Errors
    /// When it cannot be had, or is larger than this.
    pub async fn fetch(
        &self,
        backend: &str,
        arguments: &BTreeMap<String, String>,
        workspace: &str,
        limit_bytes: u64,
    ) -> Result<Option<Fetched>, Away> {
        // Only who fetches something reads the files that say how.
        let settings = Settings::load(self.environment.clone()).0;
        let asked = Asked {
            arguments,
            settings: &settings,
            workspace,
            now_ms: self.clock.now_ms(),
        };
        let kept = kept(backend, &asked).map_err(|why| Away { shown: None, why })?;
        let Some(kept) = kept else { return Ok(None) };
        match kept.fetch(&settings, limit_bytes).await {
            Ok(bytes) => Ok(bytes.map(|bytes| Fetched {
                shown: kept.shown,
                bytes,
            })),
            Err(why) => Err(Away {
                shown: Some(kept.shown),
                why,
            }),
        }
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
            let arguments = arguments(config);
            let fetched = self.fetch(backend, &arguments, workspace, STATE_BYTES_MAX);
            match fetched.await {
                Ok(fetched) => Ok(fetched.map(|fetched| fetched.bytes)),
                Err(Away { shown: None, why }) => Err(Unavailable(why)),
                Err(Away {
                    shown: Some(shown),
                    why,
                }) => Err(Unavailable(format!("{shown}: {why}"))),
            }
        })
    }
}
