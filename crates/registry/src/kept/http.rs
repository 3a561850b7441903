//! The backend `http`: a state at an address, with a user and a password as part of it.

use super::{Address, Asked, Kept, RESERVED, Way};
use percent_encoding::utf8_percent_encode;

/// What the block names, or the environment.
pub(super) fn kept(asked: &Asked<'_>) -> Result<Kept, String> {
    let shown = asked.required("address", &["TF_HTTP_ADDRESS"])?;
    let password = asked.value("password", &["TF_HTTP_PASSWORD"]);
    let url = match asked.value("username", &["TF_HTTP_USERNAME"]) {
        None => shown.clone(),
        Some(user) => with_login(&shown, &user, &password.unwrap_or_default()),
    };
    Ok(Kept {
        shown,
        way: Way::Address(Address {
            url,
            ..Address::default()
        }),
    })
}

/// An address with a user and a password.
fn with_login(address: &str, user: &str, password: &str) -> String {
    let plain = |text| utf8_percent_encode(text, RESERVED);
    match address.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}:{}@{rest}", plain(user), plain(password)),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ask;
    use super::*;

    #[test]
    fn users_and_passwords_are_part_of_the_address() {
        let url = with_login("https://example.com/state", "me", "a:b@c/d");
        assert_eq!(url, "https://me:a%3Ab%40c%2Fd@example.com/state");
    }

    #[test]
    fn addresses_are_needed() {
        let why = ask("http", "default", &[], &[]).unwrap_err();
        let said = "the backend has no address: write it, or set TF_HTTP_ADDRESS";
        assert_eq!(why, said);
    }
}
