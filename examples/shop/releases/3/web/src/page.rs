//! The page. This is the file in which the releases of the example differ.

use crate::catalog::Item;

/// Shown on the page and in the header `X-Shop-Version`.
pub const VERSION: &str = "3";

/// One visitor of so many wins something.
const GROUP: u64 = 20;

/// The page for a visitor, or why there is none.
///
/// New in version 3: one of every twenty visitors gets the cheapest item for free.
pub fn render(greeting: &str, items: &[Item], visitor: u64) -> Result<String, String> {
    let mut items = items.to_vec();
    items.sort_by_key(|item| item.cents);
    let mut page = format!("<!doctype html>\n<title>Shop</title>\n<h1>{}</h1>\n", escape(greeting));
    if items.is_empty() {
        page.push_str("<p>Our prices are not available at the moment.</p>\n");
    }
    for item in &items {
        page.push_str(&format!("<p>{}: {}</p>\n", escape(&item.name), price(item.cents)));
    }
    if !items.is_empty() {
        let total = items.iter().map(|item| item.cents).sum();
        page.push_str(&format!("<p><b>The whole set: {}</b></p>\n", price(total)));
    }
    if let Some(present) = present(&items, visitor)? {
        page.push_str(&format!("<p>You win a {}!</p>\n", escape(&present.name)));
    }
    page.push_str(&format!("<footer>version {VERSION}</footer>\n"));
    Ok(page)
}

/// What this visitor wins. Who wins is drawn anew in every group, so nobody can count on it.
fn present(items: &[Item], visitor: u64) -> Result<Option<&Item>, String> {
    let (group, place) = (visitor / GROUP, visitor % GROUP);
    if draw(group) % GROUP != place {
        return Ok(None);
    }
    // This is the bug that makes the release a bad one: what is given away costs nothing, so somebody looked for it
    // among the items that cost nothing. There are none, and every winner sees an error: 5% of all requests.
    let cheapest = items.iter().find(|item| item.cents == 0);
    cheapest.map(Some).ok_or("there is no cheapest item".to_owned())
}

/// A number that looks random (SplitMix64).
fn draw(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn price(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
