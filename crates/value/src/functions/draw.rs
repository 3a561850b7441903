//! Functions that are no functions of their arguments: the time, and what is drawn by chance.
//!
//! While planning nothing is drawn: such a result is not known yet. What the time is and what is drawn afterwards is
//! said by [`Circumstances`], which whoever evaluates has from the book, so that a replay gives the same
//! (docs/decisions/0013-functions-of-circumstances.md).

use super::{Call, CallError, Category, Function, Kind, Parameter, STRING, hash, time};
use crate::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use blowfish::Blowfish;
use core::cell::Cell;
use sha2::{Digest as _, Sha256};

/// What functions without arguments depend on, as far as it is known.
#[derive(Debug, Default)]
pub struct Circumstances {
    /// When the plan was made, in milliseconds since 1970.
    pub planned_at_ms: Option<u64>,
    /// When the changes began to be carried out; none while planning.
    pub applied_at_ms: Option<u64>,
    /// What chance is drawn from: another one for each expression that is evaluated; none while planning.
    pub seed: Option<[u8; 32]>,
    drawn: Cell<u64>,
}

impl Circumstances {
    /// Those of a plan that was made at a time.
    pub fn of_plan(planned_at_ms: u64) -> Self {
        Self {
            planned_at_ms: Some(planned_at_ms),
            ..Self::default()
        }
    }

    /// Bytes drawn from the seed, others each time.
    fn draw(&self) -> Option<[u8; 32]> {
        let seed = self.seed?;
        let count = self.drawn.get();
        self.drawn.set(count.wrapping_add(1));
        let mut digest = Sha256::new();
        digest.update(seed);
        digest.update(count.to_be_bytes());
        Some(digest.finalize().into())
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "bcrypt",
        Category::Hash,
        "A digest of a password with a drawn salt.",
        &[Parameter::new("str", Kind::String)],
        STRING,
        bcrypt,
    )
    .variadic(
        Parameter::new("cost", Kind::Number)
            .described("How costly the digest is to compute; at most one, and 10 without it."),
    ),
    Function::new(
        "plantimestamp",
        Category::DateAndTime,
        "When the plan was made.",
        &[],
        STRING,
        |call| Ok(moment(call.circumstances(|known| known.planned_at_ms))),
    ),
    Function::new(
        "timestamp",
        Category::DateAndTime,
        "When the changes began to be carried out.",
        &[],
        STRING,
        |call| Ok(moment(call.circumstances(|known| known.applied_at_ms))),
    ),
    Function::new(
        "uuid",
        Category::Hash,
        "A drawn identifier.",
        &[],
        STRING,
        |call| match call.circumstances(Circumstances::draw) {
            Some(drawn) => Ok(Value::string(uuid(&drawn, 4))),
            None => Ok(not_yet()),
        },
    ),
    Function::new(
        "uuidv5",
        Category::Hash,
        "The identifier that belongs to a name.",
        &[
            Parameter::new("namespace", Kind::String),
            Parameter::new("name", Kind::String),
        ],
        STRING,
        uuidv5,
    ),
];

fn not_yet() -> Value {
    Value::unknown_not_null(crate::Type::String)
}

fn moment(at_ms: Option<u64>) -> Value {
    match at_ms {
        Some(at_ms) => Value::string(time::utc(at_ms / 1000)),
        None => not_yet(),
    }
}

/// The first 16 bytes as an identifier of a version.
fn uuid(bytes: &[u8], version: u8) -> String {
    let mut text = String::new();
    for (index, byte) in bytes.iter().take(16).enumerate() {
        let byte = match index {
            6 => (byte & 0x0f) | version << 4,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn uuidv5(call: &Call<'_>) -> Result<Value, CallError> {
    let given = call.text(0)?;
    let namespace = match given {
        "dns" => "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "url" => "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
        "oid" => "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
        "x500" => "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
        other => other,
    };
    let mut bytes = parse_uuid(namespace).map_err(|why| {
        let shown = if call.hidden {
            "(sensitive value)"
        } else {
            given
        };
        CallError::new(format!(
            "uuidv5() doesn't support namespace {shown} ({why})"
        ))
    })?;
    bytes.extend_from_slice(call.text(1)?.as_bytes());
    Ok(Value::string(uuid(&hash::sha1(&bytes), 5)))
}

/// An identifier in one of its four notations.
fn parse_uuid(text: &str) -> Result<Vec<u8>, String> {
    let plain = match text.len() {
        36 => text,
        38 => text.get(1..37).unwrap_or_default(),
        45 if text
            .get(..9)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("urn:uuid:")) =>
        {
            text.get(9..).unwrap_or_default()
        }
        45 => {
            return Err(format!(
                "invalid urn prefix: {:?}",
                text.get(..9).unwrap_or_default()
            ));
        }
        32 => text,
        other => return Err(format!("invalid UUID length: {other}")),
    };
    let invalid = || String::from("invalid UUID format");
    let digits: String = if text.len() == 32 {
        plain.into()
    } else {
        let dashed = [8, 13, 18, 23]
            .iter()
            .all(|at| plain.as_bytes().get(*at) == Some(&b'-'));
        if !dashed {
            return Err(invalid());
        }
        plain.chars().filter(|c| *c != '-').collect()
    };
    let bytes: Option<Vec<u8>> = (0..16)
        .map(|index| u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok())
        .collect();
    bytes.filter(|_| digits.len() == 32).ok_or_else(invalid)
}

/// Costs that a digest may have, as powers of two.
const COST_MIN: i64 = 4;
const COST_MAX: i64 = 31;
/// The greatest that is carried out: four seconds on a small machine.
const COST_CARRIED_OUT_MAX: i64 = 16;
const COST_DEFAULT: i64 = 10;
/// Bytes of a password that count.
const PASSWORD_BYTES_MAX: usize = 72;

fn bcrypt(call: &Call<'_>) -> Result<Value, CallError> {
    let Some(salt) = call.circumstances(Circumstances::draw) else {
        return Ok(not_yet());
    };
    let cost = match call.rest(1) {
        [] => COST_DEFAULT,
        [_] => call.integer(1)?,
        _ => return Err(CallError::new("bcrypt() takes no more than two arguments")),
    };
    // Less than the least is taken for the ordinary one, as there.
    let cost = if cost < COST_MIN { COST_DEFAULT } else { cost };
    if cost > COST_MAX {
        let why = format!(
            "error occurred generating password: crypto/bcrypt: cost {cost} is outside allowed inclusive range {COST_MIN}..{COST_MAX}"
        );
        return Err(CallError::new(why));
    }
    if cost > COST_CARRIED_OUT_MAX {
        return Err(CallError::argument(
            1,
            format!("the cost must not be greater than {COST_CARRIED_OUT_MAX}"),
        ));
    }
    let password = call.text(0)?.as_bytes();
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(CallError::new(format!(
            "error occurred generating password: bcrypt: password length exceeds {PASSWORD_BYTES_MAX} bytes"
        )));
    }
    Ok(Value::string(digest(
        password,
        cost,
        salt.get(..16).unwrap_or_default(),
    )))
}

/// The digest in its usual form, `$2a$COST$SALTDIGEST`.
fn digest(password: &[u8], cost: i64, salt: &[u8]) -> String {
    let mut key = password.to_vec();
    key.push(0);
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1_u64 << cost {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let mut text: Vec<[u32; 2]> = b"OrpheanBeholderScryDoubt"
        .chunks_exact(8)
        .map(|chunk| {
            let word = |half: &[u8]| half.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
            let (left, right) = chunk.split_at(4);
            [word(left), word(right)]
        })
        .collect();
    for block in &mut text {
        for _ in 0..64 {
            *block = state.bc_encrypt(*block);
        }
    }
    let bytes: Vec<u8> = text
        .iter()
        .flatten()
        .flat_map(|word| word.to_be_bytes())
        .take(23)
        .collect();
    format!("$2a${cost:02}${}{}", base64(salt), base64(&bytes))
}

/// Base64 with the alphabet of its own that these digests have, and without padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            let index = word >> (18 - 6 * digit) & 63;
            text.push(ALPHABET.get(index).copied().unwrap_or(b'.').into());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Circumstances, digest, uuid};

    #[test]
    fn digests_are_those_of_the_published_vectors() {
        let salt = [0x10, 0x41, 0x04].repeat(6);
        let made = digest(b"U*U", 5, &salt[..16]);
        let published = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert_eq!(made, published);
    }

    #[test]
    fn draws_follow_from_the_seed_and_differ_among_each_other() {
        let with = |seed| Circumstances {
            seed: Some([seed; 32]),
            ..Circumstances::default()
        };
        let (one, again, other) = (with(1), with(1), with(2));
        let first = one.draw().unwrap();
        assert_eq!(again.draw(), Some(first));
        assert_ne!(one.draw(), Some(first));
        assert_ne!(other.draw(), Some(first));
        assert_eq!(Circumstances::default().draw(), None);
        let text = uuid(&first, 4);
        assert_eq!(text.len(), 36);
        assert_eq!(text.as_bytes()[14], b'4');
    }
}
