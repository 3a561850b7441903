//! The suite of [`States`]: what is kept comes whole, what is not is not guessed.

use crate::States;
use value::{Type, Value};

/// What the suite of [`States`] cannot make itself.
pub trait StatesFixture: Send + Sync {
    /// A kind of backend that is read.
    fn backend(&self) -> String;
    /// Its configuration, with which it keeps these bytes for the workspace `default`.
    fn keeping(&self, bytes: &[u8]) -> Value;
    /// Its configuration, with which it keeps nothing.
    fn empty(&self) -> Value;
    /// Its configuration, with which it cannot be reached. What stands in it as a secret is `a-secret`.
    fn away(&self) -> Value;
}

/// Runs the suite.
///
/// # Panics
/// At the first broken promise.
pub async fn states(states: &dyn States, fixture: &dyn StatesFixture) {
    let backend = fixture.backend();
    let bytes = b"{\"version\": 4, \"odd\": \"\xc3\xa9\"}";
    let config = fixture.keeping(bytes);
    let kept = states.state(&backend, &config, "default").await;
    assert_eq!(kept, Ok(Some(bytes.to_vec())), "it comes byte by byte");
    let empty = fixture.empty();
    let nothing = states.state(&backend, &empty, "default").await;
    assert_eq!(nothing, Ok(None), "nothing is kept there");

    let away = fixture.away();
    match states.state(&backend, &away, "default").await {
        Err(why) => {
            assert!(!why.0.is_empty() && !why.0.ends_with('.'), "said {why:?}");
            assert!(!why.0.contains("a-secret"), "a secret is in {why:?}");
        }
        other => panic!("a backend that cannot be reached gave {other:?}"),
    }
    let strange = states.state("telepathy", &config, "default").await;
    assert!(strange.is_err(), "no such kind, and it gave {strange:?}");
    let null = Value::null(Type::Any);
    let unsaid = states.state(&backend, &null, "default").await;
    assert!(
        unsaid.is_err(),
        "nothing says where, and it gave {unsaid:?}"
    );
}
