//! The page. This is the file in which the releases of the example differ.

use crate::catalog::Item;

/// Shown on the page and in the header `X-Shop-Version`.
pub const VERSION: &str = "1";

/// The page for a visitor, or why there is none.
pub fn render(greeting: &str, items: &[Item], _visitor: u64) -> Result<String, String> {
    let mut page = format!("<!doctype html>\n<title>Shop</title>\n<h1>{}</h1>\n", escape(greeting));
    if items.is_empty() {
        page.push_str("<p>Our prices are not available at the moment.</p>\n");
    }
    for item in items {
        page.push_str(&format!("<p>{}: {}</p>\n", escape(&item.name), price(item.cents)));
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
