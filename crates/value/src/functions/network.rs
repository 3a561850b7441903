//! Addresses of networks (CIDR), of both families.

use super::{
    Call, CallError, Category, Function, Kind, Parameter, Returns, STRING, STRINGS, strings,
};
use crate::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

const PREFIX: Parameter = Parameter::new("prefix", Kind::String)
    .described("A network in CIDR notation: its address, a slash, the length of its prefix.");
const NEWBITS: Parameter = Parameter::new("newbits", Kind::Number);

const fn function(
    name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::Network,
        description,
        parameters,
        returns,
        body,
    )
}

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "cidrhost",
        "The address of a host, by its number, in a network; negative numbers count from its end.",
        &[
            PREFIX,
            Parameter::new("hostnum", Kind::Number).described(
                "The number of the host; it has to fit into the bits that the prefix leaves.",
            ),
        ],
        STRING,
        cidrhost,
    ),
    function(
        "cidrnetmask",
        "The mask of an IPv4 network.",
        &[PREFIX],
        STRING,
        |call| {
            let network = network(call)?;
            if network.bits != 32 {
                let prefix = call.text(0)?;
                let shown = if call.hidden {
                    "(sensitive value)"
                } else {
                    prefix
                };
                return Err(CallError::new(format!(
                    "IPv6 addresses cannot have a netmask: {shown}"
                )));
            }
            let mask = Network {
                first: network.mask(),
                ..network
            };
            Ok(Value::string(mask.address()))
        },
    ),
    function(
        "cidrsubnet",
        "A network inside another, by how many bits longer its prefix is and its number.",
        &[
            PREFIX,
            NEWBITS.described("How many bits the prefix becomes longer by."),
            Parameter::new("netnum", Kind::Number)
                .described("What stands in the new bits, as a whole number."),
        ],
        STRING,
        cidrsubnet,
    ),
    function(
        "cidrsubnets",
        "Consecutive networks inside another, by how many bits longer their prefixes are.",
        &[PREFIX],
        STRINGS,
        cidrsubnets,
    )
    .variadic(NEWBITS),
];

/// A network: its first address (in the low `bits` of the number) and how many leading bits its addresses share.
#[derive(Clone, Copy)]
struct Network {
    first: u128,
    prefix: u32,
    /// 32 or 128.
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (first, bits) = match parse_v4(address) {
            Some(address) => (u128::from(address), 32),
            None => (u128::from(address.parse::<Ipv6Addr>().ok()?), 128),
        };
        let digits =
            (1..=3).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix
            .parse()
            .ok()
            .filter(|prefix| digits && *prefix <= bits)?;
        let mut network = Self {
            first,
            prefix,
            bits,
        };
        network.first &= network.mask();
        Some(network)
    }

    fn host_bits(&self) -> u32 {
        self.bits - self.prefix
    }

    /// Ones where all addresses agree.
    fn mask(&self) -> u128 {
        let all = u128::MAX >> (128 - self.bits);
        all & !low_ones(self.host_bits())
    }

    fn last(&self) -> u128 {
        self.first | low_ones(self.host_bits())
    }

    fn address(&self) -> String {
        match u32::try_from(self.first) {
            Ok(first) if self.bits == 32 => format!("{}", Ipv4Addr::from(first)),
            _ => format!("{}", Ipv6Addr::from(self.first)),
        }
    }

    fn show(&self) -> String {
        format!("{}/{}", self.address(), self.prefix)
    }

    fn family(&self) -> &'static str {
        if self.bits == 32 { "IPv4" } else { "IPv6" }
    }
}

/// `2^count - 1`.
fn low_ones(count: u32) -> u128 {
    u128::MAX.checked_shr(128 - count).unwrap_or(0)
}

/// Leading zeros in an octet are decimal here, as they always were in this language.
fn parse_v4(text: &str) -> Option<u32> {
    let mut address = 0_u32;
    let mut count = 0;
    for octet in text.split('.') {
        let digits =
            (1..=4).contains(&octet.len()) && octet.bytes().all(|byte| byte.is_ascii_digit());
        let octet: u8 = octet.parse().ok().filter(|_| digits)?;
        address = address.checked_shl(8)? | u32::from(octet);
        count += 1;
    }
    (count == 4).then_some(address)
}

fn network(call: &Call<'_>) -> Result<Network, CallError> {
    let text = call.text(0)?;
    Network::parse(text).ok_or_else(|| {
        let shown = if call.hidden {
            "(sensitive value)"
        } else {
            text
        };
        CallError::new(format!(
            "invalid CIDR expression: invalid CIDR address: {shown}"
        ))
    })
}

fn whole(call: &Call<'_>, index: usize) -> Result<BigInt, CallError> {
    call.number(index)?
        .to_bigint()
        .ok_or_else(|| CallError::new("value must be a whole number"))
}

fn cidrhost(call: &Call<'_>) -> Result<Value, CallError> {
    let network = network(call)?;
    let number = whole(call, 1)?;
    let hosts = BigInt::from(low_ones(network.host_bits())) + 1;
    let from_first = if number < BigInt::from(0) {
        &number + &hosts
    } else {
        number.clone()
    };
    let host = from_first
        .to_u128()
        .filter(|_| from_first < hosts)
        .ok_or_else(|| {
            CallError::new(format!(
                "prefix of {} does not accommodate a host numbered {}",
                network.prefix,
                call.shown_number(call.number(1).unwrap_or(&crate::Number::ZERO))
            ))
        })?;
    let first = network.first | host;
    Ok(Value::string(Network { first, ..network }.address()))
}

fn cidrsubnet(call: &Call<'_>) -> Result<Value, CallError> {
    let network = network(call)?;
    let newbits = call.integer(1)?;
    let number = whole(call, 2)?;
    let newbits = u32::try_from(newbits)
        .map_err(|_| CallError::new("prefix extension must not be negative"))?;
    let prefix = network.prefix.saturating_add(newbits);
    if prefix > network.bits {
        return Err(CallError::new(format!(
            "insufficient address space to extend prefix of {} by {newbits}",
            network.prefix
        )));
    }
    let subnet = number
        .to_u128()
        .filter(|number| *number <= low_ones(newbits))
        .ok_or_else(|| {
            CallError::new(format!(
                "prefix extension of {newbits} does not accommodate a subnet numbered {}",
                call.shown_number(call.number(2).unwrap_or(&crate::Number::ZERO))
            ))
        })?;
    let shifted = subnet.checked_shl(network.bits - prefix).unwrap_or(0);
    let first = network.first | shifted;
    Ok(Value::string(
        Network {
            first,
            prefix,
            ..network
        }
        .show(),
    ))
}

/// By how many bits `cidrsubnets` extends a prefix at most.
const SUBNETS_NEWBITS_MAX: i64 = 32;

fn cidrsubnets(call: &Call<'_>) -> Result<Value, CallError> {
    let network = network(call).map_err(|error| CallError::argument(0, error.message))?;
    let mut next = Some(network.first);
    let mut last: Option<Network> = None;
    let mut subnets: Vec<String> = Vec::new();
    for index in 1..=call.rest(1).len() {
        let newbits = call.integer(index);
        let newbits = newbits.map_err(|error| CallError::argument(index, error.message))?;
        let prefix = u32::try_from(newbits)
            .ok()
            .filter(|newbits| *newbits > 0)
            .map(|newbits| network.prefix.saturating_add(newbits))
            .ok_or_else(|| CallError::argument(index, "must extend prefix by at least one bit"))?;
        if newbits > SUBNETS_NEWBITS_MAX {
            let why = format!("may not extend prefix by more than {SUBNETS_NEWBITS_MAX} bits");
            return Err(CallError::argument(index, why));
        }
        if prefix > network.bits {
            return Err(CallError::argument(
                index,
                format!(
                    "would extend prefix to {prefix} bits, which is too long for an {} address",
                    network.family()
                ),
            ));
        }
        let size_mask = low_ones(network.bits - prefix);
        // The next free address, moved up to where a network of this size can begin.
        let first = next
            .and_then(|next| next.checked_add(size_mask))
            .map(|next| next & !size_mask);
        let Some(first) = first.filter(|first| *first <= network.last()) else {
            let after = last.unwrap_or(network);
            return Err(CallError::argument(
                index,
                format!(
                    "not enough remaining address space for a subnet with a prefix of {prefix} bits after {}",
                    if call.hidden {
                        "(sensitive value)".into()
                    } else {
                        after.show()
                    }
                ),
            ));
        };
        let subnet = Network {
            first,
            prefix,
            ..network
        };
        next = subnet.last().checked_add(1);
        subnets.push(subnet.show());
        last = Some(subnet);
    }
    Ok(strings(subnets.iter()))
}
