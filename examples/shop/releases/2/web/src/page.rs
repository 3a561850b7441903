//! The page. This is the file in which the releases of the example differ.

use crate::catalog::Item;

/// Shown on the page and in the header `X-Shop-Version`.
pub const VERSION: &str = "2";

/// The page for a visitor, or why there is none.
///
/// New in version 2: the cheapest items come first, and the whole set has a price.
pub fn render(greeting: &str, items: &[Item], _visitor: u64) -> Result<String, String> {
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
    page.push_str(&format!("<footer>version {VERSION}</footer>\n"));
    Ok(page)
}

fn price(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
