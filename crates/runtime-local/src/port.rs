//! A port for an instance: found free, and given to no other instance of this runtime.
//!
//! The number is kept over restarts. It is searched from a place that follows from the instance's name, so that two
//! runtimes on one machine seldom meet, and in a range that the kernel does not use for outgoing connections.

use crate::limits::{PORT_FIRST, PORT_LAST};
use model::Digest;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

/// Whether the port can be listened on now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A free port that is not among `taken`, if there is one.
pub(crate) fn choose(directory: &Path, taken: &BTreeSet<u16>) -> Option<u16> {
    candidates(directory).find(|port| !taken.contains(port) && is_free(*port))
}

/// Every port of the range once.
fn candidates(directory: &Path) -> impl Iterator<Item = u16> {
    let name = directory.as_os_str().as_encoded_bytes();
    let [high, low, ..] = Digest::of_parts("steadfast.runtime-local.port.1", &[name]).0;
    let count = PORT_LAST - PORT_FIRST + 1;
    let start = u16::from_be_bytes([high, low]) % count;
    (0..count).map(move |offset| PORT_FIRST + (start + offset) % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_the_whole_range_from_a_place_of_their_own() {
        let all: BTreeSet<u16> = candidates(Path::new("/a")).collect();
        assert_eq!(all.len(), usize::from(PORT_LAST - PORT_FIRST) + 1);
        assert_eq!(all.first(), Some(&PORT_FIRST));
        assert_eq!(all.last(), Some(&PORT_LAST));
        assert_ne!(
            candidates(Path::new("/a")).next(),
            candidates(Path::new("/b")).next()
        );
    }

    #[test]
    fn a_port_in_use_or_given_away_is_not_chosen() {
        let directory = Path::new("/some/instance");
        let first = choose(directory, &BTreeSet::new()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        let second = choose(directory, &BTreeSet::new()).unwrap();
        assert_ne!(first, second);
        assert!(!is_free(first));
        drop(listener);
        let third = choose(directory, &BTreeSet::from([first, second])).unwrap();
        assert!(third != first && third != second);
        let everything = (PORT_FIRST..=PORT_LAST).collect();
        assert_eq!(choose(directory, &everything), None);
    }
}
