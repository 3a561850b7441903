//! `rsadecrypt`: PKCS #1 v1.5 with a private key in PEM.
//!
//! The ciphertext and the key are the user's own and both known to whoever evaluates, so nothing here has to run in
//! constant time.

use super::{Call, CallError, Category, Function, Kind, Parameter, STRING};
use crate::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "rsadecrypt",
    Category::Encoding,
    "The text that was encrypted for a private key.",
    &[
        Parameter::new("ciphertext", Kind::String),
        Parameter::new("privatekey", Kind::String),
    ],
    STRING,
    rsadecrypt,
)];

/// Bits of a modulus that are worked with: more than anybody uses, few enough to be quick.
const MODULUS_BITS_MAX: u64 = 16_384;

fn rsadecrypt(call: &Call<'_>) -> Result<Value, CallError> {
    let encoded = call.text(0)?;
    let ciphertext = STANDARD.decode(encoded).map_err(|_| {
        let shown = call.shown(encoded);
        let why = format!("failed to decode input {shown}: cipher text must be base64-encoded");
        CallError::argument(0, why)
    })?;
    let key = private_key(call.text(1)?)
        .map_err(|why| CallError::argument(1, format!("invalid private key: {why}")))?;
    let plain = decrypt(&key, &ciphertext)
        .ok_or_else(|| CallError::new("failed to decrypt: crypto/rsa: decryption error"))?;
    Ok(Value::string(String::from_utf8_lossy(&plain)))
}

struct Key {
    modulus: BigUint,
    exponent: BigUint,
}

fn decrypt(key: &Key, ciphertext: &[u8]) -> Option<Vec<u8>> {
    let number = BigUint::from_bytes_be(ciphertext);
    let length = usize::try_from(key.modulus.bits().div_ceil(8)).ok()?;
    if number >= key.modulus || ciphertext.len() > length {
        return None;
    }
    let message = number.modpow(&key.exponent, &key.modulus).to_bytes_be();
    // Two, at least eight bytes that are not zero, zero; the zero in front is no digit of the number.
    let padded = message.strip_prefix(&[2])?;
    if message.len() + 1 != length {
        return None;
    }
    let end = padded.iter().position(|byte| *byte == 0)?;
    (end >= 8).then(|| padded.get(end + 1..).unwrap_or_default().to_vec())
}

/// The key in the first block of a PEM text.
fn private_key(text: &str) -> Result<Key, String> {
    let no_key = || "ssh: no key found".to_string();
    let (_, rest) = text.split_once("-----BEGIN ").ok_or_else(no_key)?;
    let (kind, rest) = rest.split_once("-----").ok_or_else(no_key)?;
    let (body, _) = rest
        .split_once(&format!("-----END {kind}-----"))
        .ok_or_else(no_key)?;
    if body.contains("ENCRYPTED") || kind.contains("ENCRYPTED") {
        return Err("ssh: this private key is passphrase protected".to_string());
    }
    let encoded: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(encoded).map_err(|_| no_key())?;
    let broken = || format!("the {kind} is damaged");
    let key = match kind {
        "RSA PRIVATE KEY" => pkcs1(&der),
        "PRIVATE KEY" => pkcs8(&der),
        "OPENSSH PRIVATE KEY" => openssh(&der)?,
        "EC PRIVATE KEY" | "DSA PRIVATE KEY" => {
            return Err(format!("an RSA key is required, not an {kind}"));
        }
        _ => return Err(format!("ssh: unsupported key type {kind:?}")),
    };
    let key = key.ok_or_else(broken)?;
    if key.modulus.bits() > MODULUS_BITS_MAX || key.modulus == BigUint::ZERO {
        return Err(broken());
    }
    Ok(key)
}

/// The next element of DER: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if first & 0x80 == 0 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 4 {
            return None;
        }
        (
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            rest,
        )
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const SEQUENCE: u8 = 0x30;

/// Version, modulus, public exponent, private exponent and what makes it faster.
fn pkcs1(der: &[u8]) -> Option<Key> {
    let (SEQUENCE, mut rest, _) = element(der)? else {
        return None;
    };
    let mut numbers = Vec::new();
    for _ in 0..4 {
        let (INTEGER, content, after) = element(rest)? else {
            return None;
        };
        numbers.push(BigUint::from_bytes_be(content));
        rest = after;
    }
    let exponent = numbers.pop()?;
    numbers.pop()?;
    Some(Key {
        modulus: numbers.pop()?,
        exponent,
    })
}

/// Version, algorithm, and the key of PKCS #1 as octets.
fn pkcs8(der: &[u8]) -> Option<Key> {
    let (SEQUENCE, rest, _) = element(der)? else {
        return None;
    };
    let (_, _, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    match element(rest)? {
        (OCTETS, content, _) => pkcs1(content),
        _ => None,
    }
}

/// A field of OpenSSH's own form: four bytes of length, and what follows it.
fn field(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, after) = rest.split_at_checked(4)?;
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(content.to_vec())
}

fn openssh(bytes: &[u8]) -> Result<Option<Key>, String> {
    let Some(mut rest) = bytes.strip_prefix(b"openssh-key-v1\0") else {
        return Ok(None);
    };
    let cipher = field(&mut rest);
    if cipher.as_deref() != Some(b"none") {
        return Err("ssh: this private key is passphrase protected".to_string());
    }
    Ok(openssh_fields(&mut rest))
}

/// Kind and options of the derivation of a key, one public key, then the private part: two equal check numbers, the
/// kind, modulus, public and private exponent.
fn openssh_fields(rest: &mut &[u8]) -> Option<Key> {
    field(rest)?;
    field(rest)?;
    *rest = rest.get(4..)?;
    field(rest)?;
    let private = field(rest)?;
    let mut private = private.get(8..)?;
    if field(&mut private)? != b"ssh-rsa" {
        return None;
    }
    let modulus = BigUint::from_bytes_be(&field(&mut private)?);
    field(&mut private)?;
    Some(Key {
        modulus,
        exponent: BigUint::from_bytes_be(&field(&mut private)?),
    })
}
