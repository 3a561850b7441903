//! What addresses hide: percent encoding, and secrets that no message and no file of ours may show.

/// Percent encoding undone, byte for byte.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

/// An address without a password in its login, and without a key in its query.
pub(crate) fn without_secrets(address: &str) -> String {
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let shown = match address.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            match authority.rsplit_once('@') {
                Some((login, host)) => {
                    let user = login.split(':').next().unwrap_or_default();
                    let hidden = if login.contains(':') { ":..." } else { "" };
                    format!("{scheme}://{user}{hidden}@{host}{path}")
                }
                None => format!("{scheme}://{rest}"),
            }
        }
        None => address.to_owned(),
    };
    // Signed addresses and keys are secrets; which revision is meant is none.
    let plain = ["ref", "depth", "archive", "checksum", "version"];
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if !plain.contains(&name) => format!("{name}=..."),
            _ => pair.to_owned(),
        });
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() {
        shown
    } else {
        format!("{shown}?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (address, shown) in [
            (
                "git::https://u:p@h/r.git?ref=v1&sshkey=abc",
                "git::https://u:...@h/r.git?ref=v1&sshkey=...",
            ),
            ("git::ssh://git@h/r.git", "git::ssh://git@h/r.git"),
            (
                "https://h/a.zip?X-Amz-Signature=1&archive=zip",
                "https://h/a.zip?X-Amz-Signature=...&archive=zip",
            ),
            ("https://h/a@b/c", "https://h/a@b/c"),
            ("a/b/c", "a/b/c"),
        ] {
            assert_eq!(without_secrets(address), shown);
        }
        assert_eq!(decoded("a%2Fb%zz%"), b"a/b%zz%");
    }
}
