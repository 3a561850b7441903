//! The suite of [`Clock`].

use crate::Clock;

/// Runs the suite: time does not run backwards, and a time that has come is not waited for.
///
/// # Panics
/// At the first broken promise.
pub async fn clock(clock: &dyn Clock) {
    let first = clock.now_ms();
    assert!(first > 0, "now_ms is {first}: not a time after the epoch");
    clock.sleep_until(first).await;
    clock.sleep_until(first.saturating_sub(1_000)).await;
    clock.sleep_until(i64::MIN).await;
    let second = clock.now_ms();
    assert!(
        second >= first,
        "the clock ran backwards: {first}, then {second}"
    );
}
