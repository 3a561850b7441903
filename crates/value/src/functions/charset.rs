//! `textencodebase64` and `textdecodebase64`: text in other character sets, under the names that IANA registered.

use super::{Call, CallError, Category, Function, Kind, Parameter, STRING};
use crate::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{DecoderResult, EncoderResult, Encoding};

const ENCODING: Parameter = Parameter::new("encoding", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "textdecodebase64",
        Category::Encoding,
        "The text that base64 stands for in a character set.",
        &[Parameter::new("source", Kind::String), ENCODING],
        STRING,
        decode,
    ),
    Function::new(
        "textencodebase64",
        Category::Encoding,
        "A text in a character set, in base64.",
        &[Parameter::new("string", Kind::String), ENCODING],
        STRING,
        encode,
    ),
];

/// How a character set is read and written.
#[derive(Clone, Copy)]
enum Method {
    /// One byte for each character up to the last there is.
    Direct(u8),
    Utf8,
    /// Least byte first, or last.
    Utf16 {
        little: bool,
    },
    /// With a mark of the order of bytes, which is the last first where there is none.
    Utf16Marked,
    /// By the table of the Encoding Standard.
    Standard(&'static Encoding),
    /// Of the upper half, by a table of ours.
    Upper(&'static str),
}

/// The upper halves of the sets of the first personal computers, which the Encoding Standard leaves out.
const IBM437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const IBM850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
const IBM852: &str = "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";

/// A character set by one of its names, and the name it is spoken of by.
fn named(name: &str) -> Option<(Method, &'static str)> {
    let lower = name.to_ascii_lowercase();
    let own = match lower.as_str() {
        "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso-ir-6" | "iso646-us" | "us" | "ibm367"
        | "cp367" | "csascii" | "iso_646.irv:1991" | "ansi_x3.4-1986" => {
            (Method::Direct(0x7f), "US-ASCII")
        }
        "iso-8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "iso-ir-100" | "latin1" | "l1"
        | "ibm819" | "cp819" | "csisolatin1" => (Method::Direct(0xff), "ISO_8859-1:1987"),
        "utf-8" | "csutf8" => (Method::Utf8, "UTF-8"),
        "utf-16" | "csutf16" => (Method::Utf16Marked, "UTF-16"),
        "utf-16le" | "csutf16le" => (Method::Utf16 { little: true }, "UTF-16LE"),
        "utf-16be" | "csutf16be" => (Method::Utf16 { little: false }, "UTF-16BE"),
        "ibm437" | "cp437" | "437" | "cspc8codepage437" => (Method::Upper(IBM437), "IBM437"),
        "ibm850" | "cp850" | "850" | "cspc850multilingual" => (Method::Upper(IBM850), "IBM850"),
        "ibm852" | "cp852" | "852" | "cspcp852" => (Method::Upper(IBM852), "IBM852"),
        // Names of the Encoding Standard that IANA does not know.
        "utf8" | "unicode-1-1-utf-8" | "x-user-defined" | "replacement" | "utf-7" => return None,
        _ => {
            let encoding = Encoding::for_label(lower.as_bytes())?;
            (Method::Standard(encoding), registered(encoding))
        }
    };
    Some(own)
}

/// The name by which IANA has it, where that is not its name in the Encoding Standard.
fn registered(encoding: &'static Encoding) -> &'static str {
    match encoding.name() {
        "ISO-8859-2" => "ISO_8859-2:1987",
        "ISO-8859-3" => "ISO_8859-3:1988",
        "ISO-8859-4" => "ISO_8859-4:1988",
        "ISO-8859-5" => "ISO_8859-5:1988",
        "ISO-8859-6" => "ISO_8859-6:1987",
        "ISO-8859-7" => "ISO_8859-7:1987",
        "ISO-8859-8" => "ISO_8859-8:1988",
        name => name,
    }
}

/// Whether a text has control characters that a table of the Encoding Standard puts where the character set has
/// nothing. Its other tables, such as those of KOI8, have no such place.
fn fills_gaps(encoding: &'static Encoding, text: &str) -> bool {
    let is_control = |one: char| ('\u{80}'..='\u{9f}').contains(&one);
    encoding.is_single_byte() && text.contains(is_control)
}

fn method(call: &Call<'_>) -> Result<(Method, &'static str), CallError> {
    let name = call.text(1)?;
    named(name).ok_or_else(|| {
        let shown = call.shown(name);
        let why = format!("{shown} is not a supported IANA encoding name or alias");
        CallError::argument(1, why)
    })
}

fn encode(call: &Call<'_>) -> Result<Value, CallError> {
    let (method, name) = method(call)?;
    let bytes = encoded(call.text(0)?, method).ok_or_else(|| {
        let why =
            format!("the given string contains characters that cannot be represented in {name}");
        CallError::argument(0, why)
    })?;
    Ok(Value::string(STANDARD.encode(bytes)))
}

fn encoded(text: &str, method: Method) -> Option<Vec<u8>> {
    let wide = |little: bool| {
        let bytes = |unit: u16| {
            if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        };
        text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    match method {
        Method::Direct(last) => {
            let byte = |c: char| u8::try_from(u32::from(c)).ok().filter(|byte| *byte <= last);
            text.chars().map(byte).collect()
        }
        Method::Utf8 => Some(text.as_bytes().to_vec()),
        Method::Utf16 { little } => Some(wide(little)),
        Method::Utf16Marked => Some([alloc::vec![0xfe, 0xff], wide(false)].concat()),
        Method::Upper(table) => {
            let byte = |c: char| {
                let upper = || {
                    table
                        .chars()
                        .position(|upper| upper == c)
                        .map(|at| at + 128)
                };
                u8::try_from(if c.is_ascii() { c as usize } else { upper()? }).ok()
            };
            text.chars().map(byte).collect()
        }
        Method::Standard(encoding) if fills_gaps(encoding, text) => None,
        Method::Standard(encoding) => {
            let mut encoder = encoding.new_encoder();
            let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len())?;
            let mut out = Vec::with_capacity(room + 16);
            match encoder.encode_from_utf8_to_vec_without_replacement(text, &mut out, true) {
                (EncoderResult::InputEmpty, _) => Some(out),
                (EncoderResult::OutputFull | EncoderResult::Unmappable(_), _) => None,
            }
        }
    }
}

fn decode(call: &Call<'_>) -> Result<Value, CallError> {
    let (method, name) = method(call)?;
    let encoded = call.text(0)?;
    let bytes = STANDARD
        .decode(encoded.replace(['\r', '\n'], ""))
        .map_err(|error| {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _)
                | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => at,
                base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                    encoded.len()
                }
            };
            CallError::argument(
                0,
                format!("the given value has an invalid base64 symbol at offset {at}"),
            )
        })?;
    let text = decoded(&bytes, method).ok_or_else(|| {
        let why = format!("the given string contains symbols that are not defined for {name}");
        CallError::argument(0, why)
    })?;
    Ok(Value::string(text))
}

fn decoded(bytes: &[u8], method: Method) -> Option<String> {
    let wide = |bytes: &[u8], little: bool| {
        if !bytes.len().is_multiple_of(2) {
            return None;
        }
        let units = bytes.chunks_exact(2).map(|pair| {
            let pair = [*pair.first().unwrap_or(&0), *pair.last().unwrap_or(&0)];
            if little {
                u16::from_le_bytes(pair)
            } else {
                u16::from_be_bytes(pair)
            }
        });
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .ok()
    };
    match method {
        Method::Direct(last) => {
            let character = |byte: &u8| (*byte <= last).then(|| char::from(*byte));
            bytes.iter().map(character).collect()
        }
        Method::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
        Method::Utf16 { little } => wide(bytes, little),
        Method::Utf16Marked => match bytes {
            [0xff, 0xfe, rest @ ..] => wide(rest, true),
            [0xfe, 0xff, rest @ ..] => wide(rest, false),
            rest => wide(rest, false),
        },
        Method::Upper(table) => {
            let character = |byte: &u8| match byte.checked_sub(128) {
                None => Some(char::from(*byte)),
                Some(upper) => table.chars().nth(usize::from(upper)),
            };
            bytes.iter().map(character).collect()
        }
        Method::Standard(encoding) => {
            let mut decoder = encoding.new_decoder_without_bom_handling();
            let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
            let mut out = String::with_capacity(room);
            match decoder.decode_to_string_without_replacement(bytes, &mut out, true) {
                (DecoderResult::InputEmpty, _) => {
                    Some(out).filter(|out| !fills_gaps(encoding, out))
                }
                (DecoderResult::OutputFull | DecoderResult::Malformed(..), _) => None,
            }
        }
    }
}
