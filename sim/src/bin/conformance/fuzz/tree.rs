//! A drawn expression as text with the places where expressions stand in it, so that it can be made smaller.

/// A drawn expression.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Drawn {
    /// Nothing inside.
    Leaf(String),
    /// Text and expressions, one after the other.
    Fixed(Vec<Piece>),
    /// Any number of expressions between two texts.
    Items {
        open: String,
        items: Vec<Drawn>,
        separator: &'static str,
        close: &'static str,
    },
}

/// A part of a drawn expression.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Inner(Drawn),
}

/// What an expression is replaced by to see whether it matters.
const SIMPLEST: &[&str] = &[
    "1",
    "\"a\"",
    "true",
    "null",
    "[]",
    "{}",
    "[1]",
    "{ a = 1 }",
    "toset([])",
    "tomap({})",
];

impl Drawn {
    pub(super) fn leaf(text: impl Into<String>) -> Self {
        Self::Leaf(text.into())
    }

    /// `pieces` are texts; expressions take the place of each `@`, in order.
    pub(super) fn fixed(form: &str, inner: Vec<Drawn>) -> Self {
        let mut pieces = Vec::new();
        let mut inner = inner.into_iter();
        for (index, text) in form.split('@').enumerate() {
            if index > 0 {
                pieces.extend(inner.next().map(Piece::Inner));
            }
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
        }
        Self::Fixed(pieces)
    }

    /// As it is written.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Leaf(text) => out.push_str(text),
            Self::Fixed(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => out.push_str(text),
                        Piece::Inner(inner) => inner.write(out),
                    }
                }
            }
            Self::Items {
                open,
                items,
                separator,
                close,
            } => {
                out.push_str(open);
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(separator);
                    }
                    item.write(out);
                }
                out.push_str(close);
            }
        }
    }

    fn children(&self) -> Vec<&Drawn> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::Fixed(pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Text(_) => None,
                    Piece::Inner(inner) => Some(inner),
                })
                .collect(),
            Self::Items { items, .. } => items.iter().collect(),
        }
    }

    fn with_child(&self, wanted: usize, child: Drawn) -> Drawn {
        let mut changed = self.clone();
        let place = match &mut changed {
            Self::Leaf(_) => None,
            Self::Fixed(pieces) => pieces
                .iter_mut()
                .filter_map(|piece| match piece {
                    Piece::Text(_) => None,
                    Piece::Inner(inner) => Some(inner),
                })
                .nth(wanted),
            Self::Items { items, .. } => items.get_mut(wanted),
        };
        if let Some(place) = place {
            *place = child;
        }
        changed
    }

    /// The same with one thing in it made simpler, in every way, the greatest steps first.
    pub(super) fn smaller(&self) -> Vec<Drawn> {
        let mut found = Vec::new();
        self.collect_smaller(&mut |smaller| found.push(smaller));
        found.sort_by_key(|drawn| drawn.text().len());
        found.dedup_by_key(|drawn| drawn.text());
        let length = self.text().len();
        found.retain(|drawn| {
            let text = drawn.text();
            text.len() < length || text.len() == length && text < self.text()
        });
        found
    }

    fn collect_smaller(&self, found: &mut dyn FnMut(Drawn)) {
        let children = self.children();
        for child in &children {
            found((*child).clone());
        }
        for simple in SIMPLEST {
            found(Self::leaf(*simple));
        }
        if let Self::Items {
            open,
            items,
            separator,
            close,
        } = self
        {
            for index in 0..items.len() {
                let mut items = items.clone();
                items.remove(index);
                found(Self::Items {
                    open: open.clone(),
                    items,
                    separator,
                    close,
                });
            }
        }
        for (index, child) in children.into_iter().enumerate() {
            child.collect_smaller(&mut |smaller| found(self.with_child(index, smaller)));
        }
    }
}
