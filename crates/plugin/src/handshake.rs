//! The one line that a provider says before it serves (go-plugin): where it listens, and what it speaks.

use crate::method::Major;
use std::path::PathBuf;

/// Where a provider listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A socket of the file system.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

impl Place {
    /// The place of a network and an address.
    pub(crate) fn of(network: &str, address: &str) -> Option<Self> {
        match network {
            "unix" => Some(Self::Unix(PathBuf::from(address))),
            "tcp" => Some(Self::Tcp(address.to_owned())),
            _ => None,
        }
    }
}

/// What the line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub major: Major,
    pub place: Place,
}

/// What is wrong with the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("it said `{0}` where go-plugin's handshake was due")]
    NotALine(String),
    #[error("it speaks version {0} of go-plugin's own protocol, not 1")]
    Core(String),
    #[error("it speaks version {0} of the plugin protocol, not 5 or 6")]
    Version(String),
    #[error("it listens on a network called `{0}`, not unix or tcp")]
    Network(String),
    #[error("it speaks {0}, not gRPC; such providers are older than Terraform 0.12")]
    NotGrpc(String),
}

/// Reads the line. The certificate and what follows it are not looked at: no certificate of ours was offered.
pub(crate) fn parse(line: &str) -> Result<Handshake, HandshakeError> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    let [core, version, network, address, rest @ ..] = fields.as_slice() else {
        return Err(HandshakeError::NotALine(line.trim().to_owned()));
    };
    if core.parse::<u64>().is_err() {
        return Err(HandshakeError::NotALine(line.trim().to_owned()));
    }
    if *core != "1" {
        return Err(HandshakeError::Core((*core).to_owned()));
    }
    let major = version.parse().ok().and_then(Major::of);
    let major = major.ok_or_else(|| HandshakeError::Version((*version).to_owned()))?;
    let place = Place::of(network, address)
        .ok_or_else(|| HandshakeError::Network((*network).to_owned()))?;
    match rest.first() {
        Some(&"grpc") => Ok(Handshake { major, place }),
        Some(other) => Err(HandshakeError::NotGrpc((*other).to_owned())),
        None => Err(HandshakeError::NotGrpc("netrpc".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_providers_are_read() {
        let read = parse("1|5|unix|/tmp/plugin17|grpc|\n").unwrap();
        assert_eq!(read.major, Major::Five);
        assert_eq!(read.place, Place::Unix("/tmp/plugin17".into()));
        let read = parse("1|6|tcp|127.0.0.1:10000|grpc|MIIB|true").unwrap();
        assert_eq!(read.place, Place::Tcp("127.0.0.1:10000".into()));
    }

    #[test]
    fn other_lines_say_what_is_wrong() {
        let wrong = |line| parse(line).unwrap_err().to_string();
        assert!(wrong("hello").contains("said `hello`"));
        assert!(wrong("a|b|c|d|grpc").contains("where go-plugin's handshake"));
        assert!(wrong("2|5|unix|/x|grpc").contains("version 2 of go-plugin"));
        assert!(wrong("1|4|unix|/x|grpc").contains("version 4 of the plugin"));
        assert!(wrong("1|5|pipe|/x|grpc").contains("called `pipe`"));
        assert!(wrong("1|5|unix|/x").contains("speaks netrpc"));
    }
}
