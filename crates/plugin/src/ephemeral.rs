//! Ephemeral resources: opened, held and closed, and never written down; and objects that change their type.

use crate::diag;
use crate::limits::{LOCAL_CALL_MS_MAX, READING_CALL_MS_MAX};
use crate::method::Method;
use crate::provider::{CAPABILITIES, Plugin, checked, said};
use crate::wire;
use model::{Mode, ReadAnswer};
use value::{Diagnostics, Marks, Value};

/// An ephemeral resource that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its value, marked as ephemeral.
    pub value: Value,
    /// Opaque to us; goes with each further call.
    pub private: Option<Vec<u8>>,
    /// Time by which it must be renewed, in milliseconds since 1970.
    pub renew_at_ms: Option<i64>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

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
    ///
    /// # Errors
    /// When its configuration is refused or it cannot be opened.
    pub async fn open(&self, kind: &str, config: &Value) -> Result<Open, Diagnostics> {
        let schema = self.of_type(Mode::Ephemeral, kind)?;
        let form = self.form(schema);
        let validated = self.validate_config(Mode::Ephemeral, kind, config).await;
        let mut diagnostics = checked(validated)?;
        let request = wire::Open {
            type_name: kind.to_owned(),
            config: Some(form.encode("configuration", config)?),
            client_capabilities: Some(CAPABILITIES),
        };
        let answer: wire::Opened = self
            .call(Method::Open, request, READING_CALL_MS_MAX)
            .await?;
        diagnostics.extend(checked(said(self.source(), &answer.diagnostics))?);
        let value = form.decode("result", answer.result.as_ref())?;
        if !value.is_wholly_known() {
            let what = format!("the ephemeral {kind} it opened has values that are not known");
            return Err(diag::against_the_rules(self.source(), &what).into());
        }
        Ok(Open {
            value: value.with_marks(Marks::EPHEMERAL),
            private: answer.private,
            renew_at_ms: answer.renew_at.as_ref().map(milliseconds),
            diagnostics,
        })
    }

    /// Renews what is open, and says what holds from now on.
    ///
    /// # Errors
    /// When it cannot be renewed.
    pub async fn renew(&self, kind: &str, open: &mut Open) -> Result<(), Diagnostics> {
        let request = wire::Hold {
            type_name: kind.to_owned(),
            private: open.private.clone(),
        };
        let answer: wire::Renewed = self
            .call(Method::Renew, request, READING_CALL_MS_MAX)
            .await?;
        open.diagnostics
            .extend(checked(said(self.source(), &answer.diagnostics))?);
        open.private = answer.private;
        open.renew_at_ms = answer.renew_at.as_ref().map(milliseconds);
        Ok(())
    }

    /// Closes what is open.
    ///
    /// # Errors
    /// When the provider does not close it.
    pub async fn close_open(&self, kind: &str, open: Open) -> Result<(), Diagnostics> {
        let request = wire::Hold {
            type_name: kind.to_owned(),
            private: open.private,
        };
        let answer: wire::Found = self
            .call(Method::Close, request, READING_CALL_MS_MAX)
            .await?;
        checked(said(self.source(), &answer.diagnostics)).map(|_| ())
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
