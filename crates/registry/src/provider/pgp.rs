//! Detached OpenPGP signatures, as far as provider registries use them: RSA keys and binary documents.
//!
//! What signs a provider's checksums is one packet with one number, and what it is checked with is another; the
//! cryptography is that of the TLS library. A whole implementation of OpenPGP would be larger than this room.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents,
};
use base64::Engine as _;

/// Kinds of packets.
const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;

/// The key of an RSA signature.
struct Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// A signature over a binary document.
struct Signature<'a> {
    /// What is hashed after the document.
    trailer: Vec<u8>,
    parameters: &'static RsaParameters,
    number: &'a [u8],
}

/// Whether one of the keys in these armoured texts has made the signature of a document.
pub(super) fn is_signed(document: &[u8], signature: &[u8], keys: &[String]) -> bool {
    let armoured;
    let signature = if signature.starts_with(b"-----") {
        armoured = unarmoured(&String::from_utf8_lossy(signature));
        armoured.as_deref().unwrap_or_default()
    } else {
        signature
    };
    let keys: Vec<Key> = keys
        .iter()
        .filter_map(|text| unarmoured(text))
        .flat_map(|bytes| read_keys(&bytes))
        .collect();
    packets(signature)
        .filter(|(kind, _)| *kind == SIGNATURE)
        .filter_map(|(_, body)| read_signature(body))
        .any(|signature| {
            let mut message = document.to_vec();
            message.extend_from_slice(&signature.trailer);
            keys.iter().any(|key| {
                let components = RsaPublicKeyComponents {
                    n: &key.modulus,
                    e: &key.exponent,
                };
                components
                    .verify(
                        signature.parameters,
                        &message,
                        &padded(signature.number, key.modulus.len()),
                    )
                    .is_ok()
            })
        })
}

/// A number as long as the key, as the library wants it.
fn padded(number: &[u8], length: usize) -> Vec<u8> {
    let mut padded = vec![0; length.saturating_sub(number.len())];
    padded.extend_from_slice(number);
    padded
}

/// The bytes between the lines of an armour.
fn unarmoured(text: &str) -> Option<Vec<u8>> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| !line.starts_with("-----BEGIN"));
    lines.next()?;
    // Headers end with an empty line.
    let body = lines.skip_while(|line| line.contains(": ") || line.is_empty());
    let data: String = body
        .take_while(|line| !line.starts_with('=') && !line.starts_with("-----"))
        .collect();
    base64::engine::general_purpose::STANDARD.decode(data).ok()
}

/// The packets of a message; what is broken ends them.
fn packets(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let (kind, length, body) = if first & 0x40 != 0 {
            let (length, body) = new_length(after)?;
            (first & 0x3f, length, body)
        } else if first & 0x80 != 0 {
            let n_bytes = match first & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => return None,
            };
            let (length, body) = after.split_at_checked(n_bytes)?;
            (first >> 2 & 0x0f, big_endian(length), body)
        } else {
            return None;
        };
        let (body, next) = body.split_at_checked(length)?;
        rest = next;
        Some((kind, body))
    })
}

fn new_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=191 => Some((usize::from(*first), rest)),
        192..=223 => {
            let (second, rest) = rest.split_first()?;
            Some((
                (usize::from(*first) - 192) * 256 + usize::from(*second) + 192,
                rest,
            ))
        }
        255 => {
            let (length, rest) = rest.split_at_checked(4)?;
            Some((big_endian(length), rest))
        }
        // Parts of unknown length are for streams.
        _ => None,
    }
}

fn big_endian(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// A number of any size: its length in bits, then its bytes.
fn number(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (n_bits, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(big_endian(n_bits).div_ceil(8))
}

fn read_keys(bytes: &[u8]) -> Vec<Key> {
    let keys = packets(bytes).filter(|(kind, _)| [PUBLIC_KEY, PUBLIC_SUBKEY].contains(kind));
    keys.filter_map(|(_, body)| {
        // Version 4, the time it was made, the algorithm: RSA is 1 to 3.
        let (head, numbers) = body.split_at_checked(6)?;
        if head.first() != Some(&4) || !(1..=3).contains(head.get(5)?) {
            return None;
        }
        let (modulus, rest) = number(numbers)?;
        let (exponent, _) = number(rest)?;
        Some(Key {
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
        })
    })
    .collect()
}

fn read_signature(body: &[u8]) -> Option<Signature<'_>> {
    // Version 4, of a binary document (type 0), RSA, the hash, and what else is signed.
    let head = body.get(..6)?;
    let n_hashed = big_endian(head.get(4..)?);
    if head.first() != Some(&4) || head.get(1) != Some(&0) || !(1..=3).contains(head.get(2)?) {
        return None;
    }
    let parameters = match head.get(3)? {
        8 => &RSA_PKCS1_2048_8192_SHA256,
        9 => &RSA_PKCS1_2048_8192_SHA384,
        10 => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    };
    let (signed, rest) = body.split_at_checked(6 + n_hashed)?;
    let (n_unhashed, rest) = rest.split_at_checked(2)?;
    // The first two bytes of the hash stand before the number.
    let rest = rest.get(big_endian(n_unhashed) + 2..)?;
    let (number, _) = number(rest)?;
    let mut trailer = signed.to_vec();
    trailer.extend_from_slice(&[4, 0xff]);
    trailer.extend_from_slice(&u32::try_from(signed.len()).ok()?.to_be_bytes());
    Some(Signature {
        trailer,
        parameters,
        number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../tests/signed/key.asc");
    const DOCUMENT: &[u8] = include_bytes!("../../tests/signed/SHA256SUMS");
    const SIGNATURE: &[u8] = include_bytes!("../../tests/signed/SHA256SUMS.sig");

    #[test]
    fn what_gnupg_signs_is_signed_and_nothing_else() {
        let keys = [KEY.to_owned()];
        assert!(is_signed(DOCUMENT, SIGNATURE, &keys));
        assert!(!is_signed(DOCUMENT, SIGNATURE, &[]));
        let mut other = DOCUMENT.to_vec();
        other[0] ^= 1;
        assert!(!is_signed(&other, SIGNATURE, &keys));
        for at in 0..SIGNATURE.len() {
            let cut = &SIGNATURE[..at];
            assert!(!is_signed(DOCUMENT, cut, &keys), "{at}");
            let mut flipped = SIGNATURE.to_vec();
            flipped[at] ^= 0x10;
            // What is not hashed (which key it was, the first bytes of the hash) may say anything.
            let _ = is_signed(DOCUMENT, &flipped, &keys);
        }
        for at in (0..KEY.len()).step_by(37) {
            let cut = KEY.get(..at).unwrap_or_default().to_owned();
            let _ = is_signed(DOCUMENT, SIGNATURE, &[cut]);
        }
    }
}
