//! Digests of text.
//!
//! MD5 and SHA-1 are here because existing configurations compute names and triggers with them; nothing of ours relies
//! on them.

use super::{Category, Function, Kind, Parameter, STRING};
use crate::Value;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

const STR: Parameter = Parameter::new("str", Kind::String);

const fn function(name: &'static str, description: &'static str, body: super::Body) -> Function {
    Function::new(name, Category::Hash, description, &[STR], STRING, body)
}

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "base64sha256",
        "The SHA-256 digest of a text in base64.",
        |call| {
            Ok(Value::string(
                STANDARD.encode(sha256(call.text(0)?.as_bytes())),
            ))
        },
    ),
    function(
        "base64sha512",
        "The SHA-512 digest of a text in base64.",
        |call| {
            Ok(Value::string(
                STANDARD.encode(Sha512::digest(call.text(0)?)),
            ))
        },
    ),
    function("md5", "The MD5 digest of a text in hexadecimal.", |call| {
        Ok(Value::string(hex(&md5(call.text(0)?.as_bytes()))))
    }),
    function(
        "sha1",
        "The SHA-1 digest of a text in hexadecimal.",
        |call| Ok(Value::string(hex(&sha1(call.text(0)?.as_bytes())))),
    ),
    function(
        "sha256",
        "The SHA-256 digest of a text in hexadecimal.",
        |call| Ok(Value::string(hex(&sha256(call.text(0)?.as_bytes())))),
    ),
    function(
        "sha512",
        "The SHA-512 digest of a text in hexadecimal.",
        |call| Ok(Value::string(hex(&Sha512::digest(call.text(0)?)))),
    ),
];

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| alloc::format!("{byte:02x}"))
        .collect()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The message in blocks of 64 bytes, padded as MD5 (RFC 1321) and SHA-1 (FIPS 180-4) do, which differ in the order of
/// the bytes of the length.
fn padded(bytes: &[u8], length: [u8; 8]) -> Vec<u8> {
    let mut padded = Vec::with_capacity(bytes.len() + 72);
    padded.extend_from_slice(bytes);
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&length);
    padded
}

fn words(block: &[u8], read: fn([u8; 4]) -> u32) -> impl Iterator<Item = u32> {
    block
        .chunks_exact(4)
        .map(move |bytes| read(bytes.try_into().unwrap_or_default()))
}

const MD5_SHIFTS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// RFC 1321.
#[expect(
    clippy::indexing_slicing,
    reason = "every index is taken modulo the length of the array it goes into"
)]
pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    let bits = (bytes.len() as u64).wrapping_mul(8);
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(bytes, bits.to_le_bytes()).chunks_exact(64) {
        let mut word = [0_u32; 16];
        word.iter_mut()
            .zip(words(block, u32::from_le_bytes))
            .for_each(|(slot, read)| *slot = read);
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64_usize {
            let (mixed, index) = match step / 16 {
                0 => ((b & c) | (!b & d), step),
                1 => ((d & b) | (!d & c), 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            // floor(2^32 * |sin(step + 1)|): the constants of the standard.
            let constant =
                libm::floor(libm::fabs(libm::sin((step + 1) as f64)) * 4_294_967_296.0) as u32;
            let sum = a
                .wrapping_add(mixed)
                .wrapping_add(constant)
                .wrapping_add(word[index % 16]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(MD5_SHIFTS[(step / 16) % 4][step % 4]));
        }
        for (total, part) in state.iter_mut().zip([a, b, c, d]) {
            *total = total.wrapping_add(part);
        }
    }
    let mut digest = [0; 16];
    for (out, byte) in digest
        .iter_mut()
        .zip(state.iter().flat_map(|word| word.to_le_bytes()))
    {
        *out = byte;
    }
    digest
}

/// FIPS 180-4.
#[expect(
    clippy::indexing_slicing,
    reason = "the schedule has 80 words and every index into it is below 80"
)]
pub(super) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let bits = (bytes.len() as u64).wrapping_mul(8);
    let mut state = [
        0x6745_2301_u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    for block in padded(bytes, bits.to_be_bytes()).chunks_exact(64) {
        let mut word = [0_u32; 80];
        word.iter_mut()
            .zip(words(block, u32::from_be_bytes))
            .for_each(|(slot, read)| *slot = read);
        for index in 16..80 {
            word[index] = (word[index - 3] ^ word[index - 8] ^ word[index - 14] ^ word[index - 16])
                .rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (step, scheduled) in word.iter().enumerate() {
            let (mixed, constant) = match step / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(*scheduled);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (total, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *total = total.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (out, byte) in digest
        .iter_mut()
        .zip(state.iter().flat_map(|word| word.to_be_bytes()))
    {
        *out = byte;
    }
    digest
}
