//! Providers that somebody else has started: `TF_REATTACH_PROVIDERS`, as Terraform reads it.

use crate::handshake::Place;
use crate::method::Major;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use value::Diagnostic;

/// A provider that runs already. It is never stopped by us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reattach {
    /// Where it listens.
    pub place: Place,
    /// What it speaks.
    pub major: Major,
}

/// What is wrong with the setting.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReattachError {
    /// It is no JSON.
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    /// An entry says something else than what is needed.
    #[error("{provider}: {what}")]
    Entry {
        /// The provider's address as written.
        provider: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// The setting's variable.
pub const REATTACH_VARIABLE: &str = "TF_REATTACH_PROVIDERS";

/// Reads the setting: providers by the address they are given there.
///
/// # Errors
/// When it cannot be read.
pub fn reattach(text: &str) -> Result<BTreeMap<String, Reattach>, Diagnostic> {
    parse(text).map_err(|error| crate::diag::reattach(&error))
}

fn parse(text: &str) -> Result<BTreeMap<String, Reattach>, ReattachError> {
    let all: serde_json::Map<String, Json> =
        serde_json::from_str(text).map_err(ReattachError::Json)?;
    let entries = all.into_iter().map(|(provider, entry)| {
        let read = entry_of(&entry).map_err(|what| ReattachError::Entry {
            provider: provider.clone(),
            what,
        })?;
        Ok((provider, read))
    });
    entries.collect()
}

fn entry_of(entry: &Json) -> Result<Reattach, &'static str> {
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or("").to_owned();
    if text(entry.get("Protocol")) != "grpc" {
        return Err("its Protocol is not grpc");
    }
    let version = entry.get("ProtocolVersion").and_then(Json::as_u64);
    // Absent and 0 mean 5.
    let version = version.filter(|version| *version != 0).unwrap_or(5);
    let major = Major::of(version).ok_or("its ProtocolVersion is not 5 or 6")?;
    let address = entry.get("Addr").ok_or("it has no Addr")?;
    let place = Place::of(&text(address.get("Network")), &text(address.get("String")))
        .ok_or("the Network of its Addr is not unix or tcp")?;
    Ok(Reattach { place, major })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_read_as_terraform_reads_it() {
        let read = parse(
            r#"{"registry.terraform.io/a/b": {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": 7, "Test": true,
                "Addr": {"Network": "unix", "String": "/s"}},
                "old": {"Protocol": "grpc", "Addr": {"Network": "tcp", "String": "127.0.0.1:1"}}}"#,
        )
        .unwrap();
        assert_eq!(read["registry.terraform.io/a/b"].major, Major::Six);
        assert_eq!(read["old"].major, Major::Five);
        assert_eq!(read["old"].place, Place::Tcp("127.0.0.1:1".into()));
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        let wrong = |text| parse(text).unwrap_err().to_string();
        assert_eq!(wrong("{"), "it is not JSON");
        assert_eq!(wrong(r#"{"x": {}}"#), "x: its Protocol is not grpc");
        assert!(wrong(r#"{"x": {"Protocol": "grpc", "ProtocolVersion": 4}}"#).contains("5 or 6"));
        assert!(wrong(r#"{"x": {"Protocol": "grpc"}}"#).contains("no Addr"));
    }
}
