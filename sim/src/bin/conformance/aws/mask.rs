//! What may differ between two programs that do the same: what a server or provider draws, and when. By named rules.
//!
//! A text that fits a rule becomes the name of the rule; if it is drawn for an object, with the address of that object,
//! so that a reference to another object is a difference.

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A kind of text that may differ.
struct Rule {
    name: &'static str,
    pattern: &'static str,
    /// It is drawn for one object, and stands for it wherever it is found.
    is_id: bool,
}

/// All of them.
const RULES: &[Rule] = &[
    Rule {
        name: "address of the server",
        pattern: r"(https?://)?(127\.0\.0\.1|localhost):\d+",
        is_id: false,
    },
    Rule {
        name: "time",
        pattern: r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( [+-]\d{4} UTC|Z|[+-]\d\d:?\d\d)?",
        is_id: false,
    },
    Rule {
        name: "uuid",
        pattern: r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        is_id: true,
    },
    Rule {
        name: "id of a part of a network or machine",
        pattern: "\\b(acl|acl-assoc|aclassoc|eipalloc|eipassoc|eni|fs|fsmt|i|igw|key|lt|nat|pl|r|rtb|rtbassoc|sg|sgr|snap|subnet\
                  |vol|vpc|vpce)-[0-9a-f]{8,32}\\b",
        is_id: true,
    },
    Rule {
        name: "part of the id of a load balancer",
        pattern: r"\b[0-9a-f]{16}\b",
        is_id: true,
    },
];

/// Attributes by the type of their object: what they hold is drawn, and masked wherever it stands.
const DRAWN: &[(&str, &[&str])] = &[
    ("aws_api_gateway_resource", &["id"]),
    ("aws_api_gateway_rest_api", &["id", "root_resource_id"]),
    ("aws_apigatewayv2_api", &["id"]),
    ("aws_cognito_user_pool", &["id"]),
    ("aws_cognito_user_pool_client", &["id", "client_secret"]),
    (
        "aws_eip",
        &["private_dns", "private_ip", "public_dns", "public_ip"],
    ),
    ("aws_iam_group", &["unique_id"]),
    ("aws_iam_group_policy_attachment", &["id"]),
    ("aws_iam_instance_profile", &["unique_id"]),
    ("aws_iam_policy", &["policy_id"]),
    ("aws_iam_role", &["unique_id"]),
    ("aws_iam_role_policy_attachment", &["id"]),
    ("aws_iam_user", &["unique_id"]),
    ("aws_iam_user_policy_attachment", &["id"]),
    (
        "aws_instance",
        &["private_dns", "private_ip", "public_dns", "public_ip"],
    ),
    ("aws_nat_gateway", &["private_ip", "public_ip"]),
    ("aws_route53_zone", &["zone_id"]),
    ("aws_s3_object", &["version_id"]),
    ("aws_secretsmanager_secret", &["arn"]),
    ("aws_secretsmanager_secret_version", &["version_id"]),
    ("aws_wafv2_ip_set", &["lock_token"]),
];

fn rules() -> &'static [(&'static Rule, Regex)] {
    static COMPILED: OnceLock<Vec<(&'static Rule, Regex)>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let compiled = RULES.iter();
        let compiled = compiled.filter_map(|rule| Some((rule, Regex::new(rule.pattern).ok()?)));
        compiled.collect()
    })
}

/// A document with everything masked that fits a rule.
pub(crate) fn masked(document: &Value) -> Value {
    let mut names = BTreeMap::new();
    named(document, &mut names);
    let mut masked = document.clone();
    mask(&mut masked, &names);
    masked
}

/// Finds what is drawn for objects, and what it is called.
fn named(document: &Value, names: &mut BTreeMap<String, String>) {
    match document {
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            let objects = ["/values", "/change/before", "/change/after"];
            let objects = objects.iter().filter_map(|place| document.pointer(place));
            if let (Some(address), Some(kind)) = (text("address"), text("type")) {
                objects.for_each(|object| names_in(object, address, kind, names));
            }
            members.values().for_each(|one| named(one, names));
        }
        Value::Array(items) => items.iter().for_each(|one| named(one, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn names_in(object: &Value, address: &str, kind: &str, names: &mut BTreeMap<String, String>) {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let drawn = DRAWN.iter().find(|(of, _)| *of == kind);
    for attribute in drawn.into_iter().flat_map(|(_, attributes)| *attributes) {
        if !text(attribute).is_empty() {
            let name = format!("<{attribute} of {address}>");
            names.entry(text(attribute).to_owned()).or_insert(name);
        }
    }
    for id in [text("id"), text("arn")] {
        for (rule, pattern) in rules().iter().filter(|(rule, _)| rule.is_id) {
            for found in pattern.find_iter(id) {
                let name = format!("<{} of {address}>", rule.name);
                names.entry(found.as_str().to_owned()).or_insert(name);
            }
        }
    }
}

/// Masks; whether anything was.
fn mask(value: &mut Value, names: &BTreeMap<String, String>) -> bool {
    match value {
        Value::Object(members) => {
            let mut any = false;
            for member in members.values_mut() {
                any |= mask(member, names);
            }
            any
        }
        Value::Array(items) => {
            let mut any = false;
            for item in items.iter_mut() {
                any |= mask(item, names);
            }
            let is_of_objects = items.iter().any(|item| item.get("address").is_some());
            if any && !is_of_objects {
                // The order of a set follows from what was drawn.
                items.sort_by_key(ToString::to_string);
            }
            any
        }
        Value::String(text) => match masked_text(text, names) {
            Some(masked) => {
                *text = masked;
                true
            }
            None => false,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn masked_text(text: &str, names: &BTreeMap<String, String>) -> Option<String> {
    let mut masked = text.to_owned();
    // The longest first: one may be a part of another.
    let mut drawn: Vec<(&String, &String)> = names.iter().collect();
    drawn.sort_by_key(|(drawn, _)| std::cmp::Reverse(drawn.len()));
    for (drawn, name) in drawn {
        if masked.contains(drawn.as_str()) {
            masked = masked.replace(drawn.as_str(), name);
        }
    }
    for (rule, pattern) in rules() {
        let name = format!("<{}>", rule.name);
        masked = pattern.replace_all(&masked, name.as_str()).into_owned();
    }
    (masked != text).then_some(masked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_can_be_read() {
        assert_eq!(rules().len(), RULES.len());
    }

    #[test]
    fn what_is_drawn_is_masked_and_references_are_not_lost() {
        let document = |vpc: &str, other: &str, of: &str| {
            json!({ "values": { "resources": [
                { "address": "aws_vpc.a", "type": "aws_vpc", "values": { "id": vpc, "cidr": "10.0.0.0/8" } },
                { "address": "aws_vpc.b", "type": "aws_vpc", "values": { "id": other } },
                { "address": "aws_subnet.a", "values": { "vpc_id": of, "zones": [other, vpc] } },
            ] } })
        };
        let (one, two) = ("vpc-00000001", "vpc-00000002");
        let masks = masked(&document(one, two, one));
        assert_eq!(masks, masked(&document(two, one, two)), "ids are drawn");
        assert_ne!(masks, masked(&document(one, two, two)), "another reference");
        assert!(masks.to_string().contains("10.0.0.0/8"));
    }
}
