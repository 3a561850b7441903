//! The pages of all diagnostic codes, compiled in by the build script.

include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// The page of a code, if there is one.
pub(crate) fn page(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_uppercase();
    PAGES
        .iter()
        .find(|(name, _)| *name == code)
        .map(|(_, page)| *page)
}

/// All codes with the titles of their pages.
pub(crate) fn titles() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().map(|(code, page)| {
        let title = page.lines().next().unwrap_or_default();
        (
            *code,
            title.split_once(": ").map_or(title, |(_, title)| title),
        )
    })
}
