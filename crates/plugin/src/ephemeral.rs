//! Ephemeral resources: opened, held and closed, and never written down; and objects that change their type.

use crate::diag;
use crate::limits::{LOCAL_CALL_MS_MAX, READING_CALL_MS_MAX};
use crate::method::Method;
use crate::provider::{CAPABILITIES, Plugin, checked, said};
use crate::wire;
use contract::{Lease, Opened};
use model::{Mode, OpenQuestion, ReadAnswer};
use value::{Diagnostics, Marks};

/// An object of another type, as its provider stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Address of the provider it belonged to.
    pub provider: String,
    /// Its type.
    pub kind: String,
    /// Version of its stored form.
    pub version: u64,
    /// The object as JSON.
    pub json: Vec<u8>,
    /// Opaque to us.
    pub private: Vec<u8>,
}

impl Plugin {
    /// Opens an ephemeral resource.
    pub(crate) async fn opened(&self, question: &OpenQuestion) -> Result<Opened, Diagnostics> {
        let kind = &question.address.resource.kind;
        let schema = self.of_type(Mode::Ephemeral, kind)?;
        let form = self.form(schema);
        let config = &question.config;
        let validated = self.validate_config(Mode::Ephemeral, kind, config).await;
        let mut diagnostics = checked(validated)?;
        let request = wire::Open {
            type_name: kind.to_string(),
            config: Some(form.encode("configuration", config)?),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::Opened = self
            .call(Method::Open, request, READING_CALL_MS_MAX)
            .await?;
        let said = checked(said(self.source(), &answer.diagnostics))?;
        diagnostics.extend(said);
        let value = form.decode("result", answer.result.as_ref())?;
        if !value.is_wholly_known() {
            let what = format!("the ephemeral {kind} it opened has values that are not known");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        Ok(Opened {
            value: value.with_marks(Marks::EPHEMERAL),
            lease: Lease {
                kind: kind.clone(),
                private: answer.private,
                renew_at_ms: answer.renew_at.as_ref().map(milliseconds),
            },
            diagnostics,
        })
    }

    /// Renews what is open, and says what holds from now on.
    pub(crate) async fn renewed(&self, lease: &Lease) -> (Lease, Diagnostics) {
        let request = wire::Hold {
            type_name: lease.kind.to_string(),
            private: lease.private.clone(),
        };
        let answer = self.call::<_, wire::Renewed>(Method::Renew, request, READING_CALL_MS_MAX);
        match answer.await {
            Ok(answer) => {
                let lease = Lease {
                    kind: lease.kind.clone(),
                    private: answer.private,
                    renew_at_ms: answer.renew_at.as_ref().map(milliseconds),
                };
                (lease, said(self.source(), &answer.diagnostics))
            }
            Err(found) => (lease.clone(), found),
        }
    }

    /// Closes what is open.
    pub(crate) async fn closed(&self, lease: &Lease) -> Diagnostics {
        let request = wire::Hold {
            type_name: lease.kind.to_string(),
            private: lease.private.clone(),
        };
        let answer = self.call::<_, wire::Found>(Method::Close, request, READING_CALL_MS_MAX);
        match answer.await {
            Ok(answer) => said(self.source(), &answer.diagnostics),
            Err(found) => found,
        }
    }

    /// An object of another type as one of this type (`moved` between types).
    ///
    /// # Errors
    /// When the provider cannot make the one of the other.
    pub async fn moved(&self, kind: &str, source: Source) -> Result<ReadAnswer, Diagnostics> {
        let schema = self.of_type(Mode::Managed, kind)?;
        if !self.offered().capabilities().move_resource_state {
            let what = format!("it makes no {kind} of objects of other types");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        let request = wire::Move {
            source_provider_address: source.provider,
            source_type_name: source.kind,
            source_schema_version: i64::try_from(source.version).unwrap_or(i64::MAX),
            source_state: Some(wire::RawState { json: source.json }),
            target_type_name: kind.to_owned(),
            source_private: source.private,
        };
        let answer: wire::Moved = self.call(Method::Move, request, LOCAL_CALL_MS_MAX).await?;
        let diagnostics = checked(said(self.source(), &answer.diagnostics))?;
        let object = self
            .form(schema)
            .decode("moved object", answer.target_state.as_ref())?;
        Ok(ReadAnswer {
            object: (!object.is_null()).then_some(object),
            private: answer.target_private,
            diagnostics,
        })
    }
}

fn milliseconds(time: &wire::Timestamp) -> i64 {
    time.seconds
        .saturating_mul(1_000)
        .saturating_add(i64::from(time.nanos / 1_000_000))
}
