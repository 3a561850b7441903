//! [`Secrets`]: what is sensitive stands in the book only sealed with the project's key.
//!
//! Works on encoded bytes, so one walk serves events, plans and answers alike: wherever the encoding of a
//! [`Value`] with [`Marks::SENSITIVE`] stands, its data is replaced by a sealed text and [`Marks::SEALED`] is added;
//! the result decodes like any other value, shows like any other sensitive one, and needs no key for that. Environment
//! variables of services carry no marks, so all of them are sealed. Everything else stays as it is, and the book can be
//! checked, listed and explained by whoever has no key.
//!
//! Sealing is XChaCha20-Poly1305 with a nonce that is a keyed digest of the content: the same content under the same
//! key gives the same bytes, so that a release, a plan and their replay keep one name each. Decision 0009 says why and
//! what that gives away (equality and length). It does not keep the key: that is the door's business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use model::{Digest, Inputs, Release};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;
use value::{Data, Marks, Value};

/// Bytes of a project's key.
pub const KEY_BYTES: usize = 32;

/// What a sealed text begins with: form and version.
const PREFIX: &str = "sealed:1:";

/// Says what the key is used for, so that sealed bytes mean nothing anywhere else.
const PURPOSE: &[u8] = b"steadfast.sealed.1";

/// Bytes of an XChaCha20 nonce.
const NONCE_BYTES: usize = 24;

/// Block of SHA-256, which HMAC is defined by (RFC 2104).
const HMAC_BLOCK_BYTES: usize = 64;

/// Items inside items of an encoding: values are bounded far below it.
const NESTING_MAX: usize = 2_048;

/// Sealed content that cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It was sealed with another key.
    #[error(
        "it was sealed with another key than this project's (key {sealed_by}, this one is {have})"
    )]
    OtherKey {
        /// Short name of the key that is needed.
        sealed_by: String,
        /// Short name of the key at hand.
        have: String,
    },
    /// It does not open although the key is the right one.
    #[error("what was sealed has been changed, or was never sealed by this program")]
    Damaged,
    /// Not an encoding of ours.
    #[error("the bytes around what was sealed are damaged")]
    Malformed,
}

/// Seals and opens with a project's key. Cheap to clone; never shows the key.
#[derive(Clone)]
pub struct Secrets(Arc<Keys>);

struct Keys {
    cipher: XChaCha20Poly1305,
    nonce_key: [u8; 32],
    name: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets(key {})", self.0.name)
    }
}

impl Secrets {
    /// From the project's key.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let derived = |what: &[u8]| hmac(key, &[PURPOSE, what]);
        let name = derived(b"name");
        let name = name.iter().take(4).map(|byte| format!("{byte:02x}"));
        Self(Arc::new(Keys {
            cipher: XChaCha20Poly1305::new(&derived(b"seal").into()),
            nonce_key: derived(b"nonce"),
            name: name.collect(),
        }))
    }

    /// The same encoding with everything sensitive sealed. What is sealed already stays as it is.
    pub fn seal(&self, encoded: &[u8]) -> Vec<u8> {
        #[expect(
            clippy::expect_used,
            reason = "our own encoder wrote these bytes, and values are bounded in depth"
        )]
        self.walked(encoded, Direction::Seal)
            .expect("our own encoding is whole")
    }

    /// The encoding as it was before [`Secrets::seal`].
    ///
    /// # Errors
    /// When something sealed in it does not open.
    pub fn open(&self, stored: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.walked(stored, Direction::Open)
    }

    /// Seals the values that were given for sensitive root variables, and takes out those of ephemeral ones, which are
    /// never written down: they are given back, to be lent to whoever carries the release out.
    pub fn seal_inputs(&self, release: &mut Release) -> Inputs {
        let Some(root) = release.modules.first() else {
            return Inputs::new();
        };
        let mut lent = Inputs::new();
        release.inputs.retain(|name, value| {
            let is_lent = root.variables.get(name).is_some_and(|one| one.ephemeral);
            if is_lent {
                lent.insert(name.clone(), value.clone());
            }
            !is_lent
        });
        for (name, value) in &mut release.inputs {
            let variable = root.variables.get(name);
            if variable.is_some_and(|one| one.sensitive) {
                let marked = value.clone().with_marks(Marks::SENSITIVE);
                *value = self.sealed_value(&marked);
            }
        }
        lent
    }

    fn sealed_value(&self, value: &Value) -> Value {
        #[expect(clippy::expect_used, reason = "a sealed value is a text with marks")]
        model::decode(&self.seal(&model::encode(value))).expect("a sealed value is a value")
    }

    fn walked(&self, bytes: &[u8], direction: Direction) -> Result<Vec<u8>, OpenError> {
        let mut walk = Walk {
            secrets: self,
            direction,
            bytes,
            at: 0,
            out: Vec::with_capacity(bytes.len()),
        };
        walk.item(0)?;
        if walk.at == bytes.len() {
            Ok(walk.out)
        } else {
            Err(OpenError::Malformed)
        }
    }

    fn seal_text(&self, content: &[u8]) -> String {
        let nonce = hmac(&self.0.nonce_key, &[PURPOSE, content]);
        let (nonce, _) = nonce.split_at(NONCE_BYTES);
        #[expect(
            clippy::expect_used,
            reason = "the cipher refuses only content beyond 256 GiB"
        )]
        let sealed = self
            .0
            .cipher
            .encrypt(
                &nonce_of(nonce),
                Payload {
                    msg: content,
                    aad: PURPOSE,
                },
            )
            .expect("content is within the cipher's limit");
        let text = STANDARD_NO_PAD.encode([nonce, &sealed].concat());
        format!("{PREFIX}{}:{text}", self.0.name)
    }

    fn open_text(&self, text: &str) -> Result<Vec<u8>, OpenError> {
        let rest = text.strip_prefix(PREFIX).ok_or(OpenError::Damaged)?;
        let (name, sealed) = rest.split_once(':').ok_or(OpenError::Damaged)?;
        if name != self.0.name {
            return Err(OpenError::OtherKey {
                sealed_by: name.to_owned(),
                have: self.0.name.clone(),
            });
        }
        let bytes = STANDARD_NO_PAD
            .decode(sealed)
            .map_err(|_| OpenError::Damaged)?;
        let (nonce, sealed) = bytes
            .split_at_checked(NONCE_BYTES)
            .ok_or(OpenError::Damaged)?;
        self.0
            .cipher
            .decrypt(
                &nonce_of(nonce),
                Payload {
                    msg: sealed,
                    aad: PURPOSE,
                },
            )
            .map_err(|_| OpenError::Damaged)
    }
}

/// Whether anything may stand in these bytes that only another key opens. Says yes too often rather than too seldom.
pub(crate) fn needs_another_key(stored: &[u8], have: Option<&Secrets>) -> bool {
    stored.windows(PREFIX.len()).enumerate().any(|(at, part)| {
        let name = stored.get(at + PREFIX.len()..).unwrap_or_default();
        part == PREFIX.as_bytes()
            && !have.is_some_and(|have| name.starts_with(have.0.name.as_bytes()))
    })
}

fn nonce_of(bytes: &[u8]) -> XNonce {
    let mut nonce = [0; NONCE_BYTES];
    for (to, from) in nonce.iter_mut().zip(bytes) {
        *to = *from;
    }
    nonce.into()
}

/// HMAC-SHA-256 (RFC 2104) of these parts, one after the other. Keys are 32 bytes, shorter than a block.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = vec![with; HMAC_BLOCK_BYTES];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= *key;
        }
        block
    };
    let mut inner = pad(0x36);
    parts.iter().for_each(|part| inner.extend_from_slice(part));
    let mut outer = pad(0x5c);
    outer.extend_from_slice(&Digest::of(&inner).0);
    Digest::of(&outer).0
}

#[derive(Clone, Copy)]
enum Direction {
    Seal,
    Open,
}

/// One walk over an encoding (CBOR with definite lengths, decision 0003), copying what it passes.
struct Walk<'a> {
    secrets: &'a Secrets,
    direction: Direction,
    bytes: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

/// First bits of an item: its kind (RFC 8949, section 3.1).
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

/// Where an entry of a map stands, in what is read and in what is written.
struct Passed<'a> {
    read: &'a [u8],
    written_at: usize,
}

impl<'a> Walk<'a> {
    fn item(&mut self, depth: usize) -> Result<(), OpenError> {
        if depth > NESTING_MAX {
            return Err(OpenError::Malformed);
        }
        let (kind, count) = self.head()?;
        match kind {
            2 | TEXT => self.copy(count),
            ARRAY => (0..count).try_for_each(|_| self.item(depth + 1)),
            MAP => self.map(count, depth + 1),
            6 => self.item(depth + 1),
            _ => Ok(()),
        }
    }

    /// Copies the head of an item; its kind, and its length or number of items.
    fn head(&mut self) -> Result<(u8, usize), OpenError> {
        let (kind, count, length) =
            head_of(self.bytes.get(self.at..).unwrap_or_default()).ok_or(OpenError::Malformed)?;
        self.copy(length)?;
        Ok((kind, count))
    }

    fn copy(&mut self, length: usize) -> Result<(), OpenError> {
        let end = self.at.checked_add(length).ok_or(OpenError::Malformed)?;
        let part = self.bytes.get(self.at..end).ok_or(OpenError::Malformed)?;
        self.out.extend_from_slice(part);
        self.at = end;
        Ok(())
    }

    fn passed(&mut self, depth: usize) -> Result<Passed<'a>, OpenError> {
        let (from, written_at) = (self.at, self.out.len());
        self.item(depth)?;
        let read = self.bytes.get(from..self.at).unwrap_or_default();
        Ok(Passed { read, written_at })
    }

    fn map(&mut self, count: usize, depth: usize) -> Result<(), OpenError> {
        let mut data: Option<Passed<'a>> = None;
        for place in 0..count {
            let key = self.passed(depth)?.read;
            let value = self.passed(depth)?;
            // The encoding of a value is a map of its data, then its marks; nothing else of ours has a number there.
            match (place, count) {
                (0, 2) if key == b"\x64data" => data = Some(value),
                (1, 2) if key == b"\x65marks" => {
                    if let (Some(data), [marks @ 0..=0x17]) = (&data, value.read) {
                        self.value(data, *marks)?;
                    }
                }
                _ if key == b"\x63env" => self.environment(&value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Replaces the data of a value that was just passed, if it is the kind this walk is about.
    fn value(&mut self, data: &Passed<'_>, marks: u8) -> Result<(), OpenError> {
        let sealed = marks & SEALED != 0;
        let (replaced, marks) = match self.direction {
            Direction::Seal if marks & (SENSITIVE | EPHEMERAL) != 0 && !sealed => {
                let text = self.secrets.seal_text(data.read);
                (model::encode(&Data::String(text.into())), marks | SEALED)
            }
            Direction::Open if sealed => {
                let Ok(Data::String(text)) = model::decode::<Data>(data.read) else {
                    return Err(OpenError::Damaged);
                };
                (self.secrets.open_text(&text)?, marks & !SEALED)
            }
            Direction::Seal | Direction::Open => return Ok(()),
        };
        self.out.truncate(data.written_at);
        self.out.extend(replaced);
        self.out.extend_from_slice(b"\x65marks");
        self.out.push(marks);
        Ok(())
    }

    /// Replaces the texts of environment variables: nothing says which of them are secret.
    fn environment(&mut self, passed: &Passed<'_>) -> Result<(), OpenError> {
        let Ok(variables) =
            model::decode::<std::collections::BTreeMap<String, String>>(passed.read)
        else {
            return Ok(());
        };
        let mut replaced = variables;
        for text in replaced.values_mut() {
            match self.direction {
                Direction::Seal if self.is_sealed(text) => {}
                Direction::Seal => *text = self.secrets.seal_text(text.as_bytes()),
                Direction::Open if text.starts_with(PREFIX) => {
                    let opened = self.secrets.open_text(text)?;
                    *text = String::from_utf8(opened).map_err(|_| OpenError::Damaged)?;
                }
                Direction::Open => {}
            }
        }
        self.out.truncate(passed.written_at);
        self.out.extend(model::encode(&replaced));
        Ok(())
    }

    fn is_sealed(&self, text: &str) -> bool {
        text.starts_with(PREFIX) && self.secrets.open_text(text).is_ok()
    }
}

/// [`Marks::SENSITIVE`] and [`Marks::SEALED`] as they are written; a test compares them.
const SENSITIVE: u8 = 1;
const EPHEMERAL: u8 = 2;
const SEALED: u8 = 4;

/// Kind of an item, its argument, and the length of its head.
fn head_of(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (first, rest) = bytes.split_first()?;
    let wide = match first & 0x1f {
        small @ 0..=23 => return Some((first >> 5, usize::from(small), 1)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let argument = rest.get(..wide)?;
    let argument = argument
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Some((first >> 5, usize::try_from(argument).ok()?, wide + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Event, RunId, RunResult};
    use std::collections::BTreeMap;
    use value::Type;

    const CANARY: &str = "canary-7f3a";

    fn secrets() -> Secrets {
        Secrets::new(&[7; KEY_BYTES])
    }

    fn has(bytes: &[u8], text: &str) -> bool {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    }

    fn secret() -> Value {
        Value::string(CANARY).with_marks(Marks::SENSITIVE)
    }

    fn samples() -> Vec<Value> {
        let named = |items: Vec<(&str, Value)>| {
            Value::object(
                items
                    .into_iter()
                    .map(|(name, item)| (name.into(), item))
                    .collect(),
            )
        };
        vec![
            secret(),
            Value::string(CANARY.repeat(500)).with_marks(Marks::SENSITIVE),
            Value::tuple(vec![Value::number(1), secret()]),
            // Names that look like the encoding of a value.
            named(vec![("data", secret()), ("marks", secret())]),
            named(vec![("env", named(vec![("A", secret())]))]),
            Value::set(Type::String, vec![secret()]),
            Value::tuple(vec![secret()]).with_marks(Marks::SENSITIVE),
            Value::unknown(Type::String).with_marks(Marks::SENSITIVE),
            secret().with_marks(Marks::EPHEMERAL),
            Value::null(Type::String).with_marks(Marks::SENSITIVE),
        ]
    }

    #[test]
    fn marks_are_written_as_the_walk_reads_them() {
        for (marks, written) in [
            (Marks::SENSITIVE, SENSITIVE),
            (Marks::EPHEMERAL, EPHEMERAL),
            (Marks::SEALED, SEALED),
        ] {
            assert_eq!(model::encode(&marks), [written]);
        }
        assert!(has(&model::encode(&Value::bool(true)), "\u{64}data"));
    }

    #[test]
    fn sealed_values_say_nothing_and_open_to_what_they_were() {
        for value in samples() {
            let outputs =
                BTreeMap::from([("o".into(), value.clone()), ("p".into(), Value::number(5))]);
            let event = Event::Closed {
                run: RunId(1),
                result: RunResult::succeeded(outputs),
            };
            let plain = model::encode(&event);
            let sealed = secrets().seal(&plain);
            assert!(!has(&sealed, CANARY), "{value:?}");
            assert_eq!(secrets().seal(&plain), sealed, "the same each time");
            assert_eq!(secrets().seal(&sealed), sealed, "sealed once");
            assert_eq!(secrets().open(&sealed).expect("opens"), plain);
            // Without the key it is still an event, and what is not secret is still there.
            let read: Event = model::decode(&sealed).expect("decodes without a key");
            let Event::Closed {
                result: RunResult::Succeeded { outputs, .. },
                ..
            } = read
            else {
                panic!("another event");
            };
            assert_eq!(outputs.get("p"), Some(&Value::number(5)));
            assert!(
                outputs
                    .get("o")
                    .is_some_and(|one| one.marks_deep().contains(Marks::SEALED))
            );
        }
    }

    #[test]
    fn environment_variables_are_sealed() {
        #[derive(serde::Serialize)]
        struct Spec {
            env: BTreeMap<String, String>,
            run: Vec<String>,
        }
        let spec = Spec {
            env: BTreeMap::from([
                ("A".into(), CANARY.into()),
                ("B".into(), format!("{PREFIX}00000000:x")),
            ]),
            run: vec!["./web".into()],
        };
        let plain = model::encode(&spec);
        let sealed = secrets().seal(&plain);
        assert!(!has(&sealed, CANARY));
        assert!(has(&sealed, "./web"));
        assert_eq!(secrets().open(&sealed).expect("opens"), plain);
    }

    #[test]
    fn another_key_and_changed_bytes_are_told_apart() {
        let sealed = secrets().seal(&model::encode(&secret()));
        let other = Secrets::new(&[8; KEY_BYTES]);
        assert!(needs_another_key(&sealed, None));
        assert!(needs_another_key(&sealed, Some(&other)));
        assert!(!needs_another_key(&sealed, Some(&secrets())));
        assert!(matches!(
            other.open(&sealed),
            Err(OpenError::OtherKey { .. })
        ));
        let at = sealed.len() - 12;
        let mut flipped = sealed.clone();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        assert!(matches!(secrets().open(&flipped), Err(OpenError::Damaged)));
        for end in 0..sealed.len() {
            assert!(secrets().open(&sealed[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn the_keyed_digest_is_that_of_the_standard() {
        // RFC 4231, test case 1, with its key of 20 bytes padded to 32 by zeros as HMAC does itself.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            Digest(hmac(&key, &[b"Hi ", b"There"])).to_string(),
            "sha256:b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }
}
