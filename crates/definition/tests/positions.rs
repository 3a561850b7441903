//! Where mistakes are shown: each line of `positions.txt` is a broken text and the place at which Terraform shows its
//! first mistake. Adding one needs no Rust.

use definition::{LineIndex, constant_expression, parse_body};
use value::{ExprKind, SourceId};

#[test]
fn mistakes_are_shown_where_terraform_shows_them() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for line in include_str!("positions.txt").lines() {
        if line.starts_with('#') {
            continue;
        }
        let (text, expected) = line.rsplit_once(' ').unwrap();
        let ExprKind::Literal(text) = constant_expression(text).unwrap().kind else {
            panic!("no plain text: {line}");
        };
        let text = text.as_str().unwrap();
        let (_, found) = parse_body(text, SourceId(0));
        let index = LineIndex::new(text);
        let place = found
            .iter()
            .next()
            .and_then(|found| found.span)
            .map(|span| {
                let (start, end) = (
                    index.position(text, span.start),
                    index.position(text, span.end),
                );
                format!(
                    "{}:{}-{}:{}",
                    start.line, start.column, end.line, end.column
                )
            });
        checked += 1;
        if place.as_deref() != Some(expected) {
            wrong.push(format!("{text}expected {expected}, found {found:?}"));
        }
    }
    assert!(checked > 20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
