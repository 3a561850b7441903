//! The projects that are measured: the shapes in which Terraform's cost was measured before this program was begun.

use std::fmt::Write as _;

/// Resources in a row, each depending on the one before.
const CHAIN: usize = 10;

/// A project of N objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One resource with many instances.
    Flat,
    /// Two resources, instances of the second refer to instances of the first.
    Pairs,
    /// Many resources of one instance.
    Chains,
}

impl Shape {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Flat, Self::Pairs, Self::Chains];

    /// By its name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Pairs => "pairs",
            Self::Chains => "chains",
        }
    }

    /// Its definition with `n` objects; `pairs` rounds an odd `n` down.
    pub(crate) fn definition(self, n: usize) -> String {
        let first = |count: usize| {
            format!(
                "resource \"terraform_data\" \"a\" {{\n  count = {count}\n  input = \"value-${{count.index}}-${{var.revision}}\"\n}}\n"
            )
        };
        let objects = match self {
            Self::Flat => first(n),
            Self::Pairs => {
                let count = n / 2;
                let input = "terraform_data.a[count.index].output";
                let second = format!(
                    "resource \"terraform_data\" \"b\" {{\n  count = {count}\n  input = {input}\n}}\n"
                );
                first(count) + &second
            }
            Self::Chains => {
                let mut text = String::new();
                for index in 0..n {
                    let input = match index % CHAIN {
                        0 => format!("\"value-{index}-${{var.revision}}\""),
                        _ => format!("terraform_data.r{}.output", index - 1),
                    };
                    // Writing into a string cannot fail.
                    let _ = writeln!(
                        text,
                        "resource \"terraform_data\" \"r{index}\" {{\n  input = {input}\n}}"
                    );
                }
                text
            }
        };
        format!("variable \"revision\" {{\n  default = 1\n}}\n\n{objects}")
    }
}
