//! What is known of resource types, as data: how an object is found again whose creation was lost.
//!
//! A file for each provider in `known/`. A type that is not in it is found by its stamp, where it can carry one.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use value::{Name, Value};

/// One file for each provider.
const FILES: [&str; 1] = [include_str!("known/aws.json")];

static PROVIDERS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    // A test reads all of them: here none is passed over.
    let read = |text: &&str| serde_json::from_str(text).ok();
    FILES.iter().filter_map(read).collect()
});

/// What is known of the types of one provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// Namespace and type of the provider, from whichever registry.
    of: String,
    /// The attribute that stamps are put into: a map of texts.
    pub stamp: String,
    /// A data source that finds objects of any type by their stamp.
    pub search: Search,
    types: BTreeMap<String, TypeRule>,
}

/// A data source that finds objects of any type by their stamp.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// Its name.
    pub data: String,
    /// The block that takes a key and its values.
    pub block: String,
    /// The attribute with what was found.
    pub each: String,
    /// The attribute of each that names the object.
    pub id: String,
}

/// How objects of one type are found.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TypeRule {
    /// What the provider knows it by, with attributes in braces.
    pub id: Option<String>,
    /// A data source that says what the provider knows it by.
    pub find: Option<Find>,
    /// Where the identity is that of other objects which it joins.
    pub by: By,
    /// Making it again is making it once: whatever stands there is replaced by the same.
    pub put: bool,
    /// Only where this attribute is set.
    pub needs: Option<String>,
    /// When the stamp is put on it.
    pub stamped: Stamped,
}

/// What an identity is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// Its own name.
    #[default]
    Name,
    /// The objects it joins.
    Parent,
}

/// When a stamp is put on a new object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stamped {
    /// By the request that makes it: an object without it was made by somebody else.
    #[default]
    Once,
    /// By a later request, which may be lost by itself.
    Later,
    /// It takes none.
    Never,
}

/// A data source that finds one type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Find {
    /// Its name.
    pub data: String,
    /// Its arguments, with attributes of the object in braces.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// The argument that takes a stamp, where it finds by that.
    pub stamp: Option<String>,
    /// The attribute with what the provider knows the object by, or with all such.
    pub id: String,
}

/// What is known of a provider, if anything is.
pub(crate) fn provider(source: &str) -> Option<&'static Known> {
    PROVIDERS
        .iter()
        .find(|known| source.ends_with(&format!("/{}", known.of)))
}

impl TypeRule {
    /// Nothing is known.
    pub(crate) const NOTHING: Self = Self {
        id: None,
        find: None,
        by: By::Name,
        put: false,
        needs: None,
        stamped: Stamped::Once,
    };
}

impl Known {
    /// How objects of a type are found.
    pub(crate) fn of_type(&self, kind: &str) -> Option<&TypeRule> {
        self.types.get(kind)
    }
}

/// A text with attributes of an object in braces, filled in. A single attribute keeps its type. None where one is not
/// set or not known.
pub(crate) fn filled(text: &str, object: &Value) -> Option<Value> {
    let set = |name: &str| {
        let value = object.get(name)?;
        (value.is_wholly_known() && !value.is_null()).then(|| value.clone())
    };
    if let Some(name) = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        && !name.contains('{')
    {
        return set(name);
    }
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        whole.push_str(before);
        whole.push_str(set(name)?.as_str()?);
        rest = after;
    }
    whole.push_str(rest);
    Some(Value::string(whole))
}

/// Arguments, filled in.
pub(crate) fn filled_all(
    with: &BTreeMap<String, String>,
    object: &Value,
) -> Option<BTreeMap<Name, Value>> {
    with.iter()
        .map(|(name, text)| Some((Name::from(name.as_str()), filled(text, object)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read() {
        assert_eq!(PROVIDERS.len(), FILES.len());
        let aws = provider("registry.terraform.io/hashicorp/aws").unwrap();
        assert!(provider("registry.terraform.io/hashicorp/awscc").is_none());
        for (kind, rule) in &aws.types {
            let ways = [rule.id.is_some(), rule.find.is_some(), rule.put];
            let ways = ways.iter().filter(|way| **way).count();
            assert_eq!(ways, 1, "{kind} is found in one way");
        }
    }

    #[test]
    fn attributes_are_filled_in_where_they_are_known() {
        let object = Value::object(
            [
                ("zone".into(), Value::string("z1")),
                ("port".into(), Value::number(80)),
                ("open".into(), Value::unknown(value::Type::String)),
            ]
            .into(),
        );
        assert_eq!(filled("{port}", &object), Some(Value::number(80)));
        assert_eq!(filled("r-{zone}", &object), Some(Value::string("r-z1")));
        for none in ["{open}", "{zone}_{nothing}", "{zone"] {
            assert_eq!(filled(none, &object), None, "{none}");
        }
    }
}
