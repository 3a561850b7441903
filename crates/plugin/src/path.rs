//! Places inside of values, as the protocol says them.

use crate::wire::{AttributePath, Selector};

/// The steps as texts: attribute names, keys, positions.
pub(crate) fn steps(path: &AttributePath) -> Vec<String> {
    let selectors = path.steps.iter().filter_map(|step| step.selector.as_ref());
    selectors
        .map(|selector| match selector {
            Selector::AttributeName(name) | Selector::ElementKeyString(name) => name.clone(),
            Selector::ElementKeyInt(at) => at.to_string(),
        })
        .collect()
}

/// As one would write it in a configuration: `network[0].name`.
pub(crate) fn text(path: &AttributePath) -> String {
    let mut text = String::new();
    for selector in path.steps.iter().filter_map(|step| step.selector.as_ref()) {
        match selector {
            Selector::AttributeName(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Selector::ElementKeyString(key) => text.push_str(&format!("[{key:?}]")),
            Selector::ElementKeyInt(at) => text.push_str(&format!("[{at}]")),
        }
    }
    text
}

/// The path of an attribute of the block itself.
pub(crate) fn of_attribute(name: &str) -> AttributePath {
    let selector = Some(Selector::AttributeName(name.to_owned()));
    AttributePath {
        steps: vec![crate::wire::Step { selector }],
    }
}
