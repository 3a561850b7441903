//! Versions and version constraints, as Terraform writes them: `1.2.0`, `v1.2.0-beta.1`, `>= 1.2, < 2.0.0`, `~> 1.4`.
//!
//! Pure: which versions there are, and which of them is taken, is the business of whoever fetches modules and
//! providers. A version with a pre-release part is allowed only by a constraint that names exactly it; ranges never
//! reach it.

use crate::limits::{VERSION_BYTES_MAX, VERSION_CONSTRAINTS_MAX};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

/// A version: numbers, and possibly a pre-release part and metadata.
#[derive(Clone, Debug, Eq)]
pub struct Version {
    /// As many as were written, at least three; the rest counts as zero.
    numbers: Vec<u64>,
    pre_release: Vec<Part>,
    metadata: String,
}

/// One part of a pre-release: numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

/// How a constraint compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    /// `~>`: the last number written may grow.
    Pessimistic,
    Less,
    LessOrEqual,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// How many numbers were written, which is what `~>` looks at.
    n_written: usize,
}

/// Comparisons that must all hold; none of them allows every version without a pre-release part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints(Vec<Comparison>);

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// Why it is none, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map(|(version, _)| version)
    }

    fn read(text: &str) -> Result<(Self, usize), String> {
        if text.len() > VERSION_BYTES_MAX {
            return Err("is longer than any version".into());
        }
        let refuse = || {
            alloc::format!(
                "\"{text}\" is no version: write numbers with dots, such as 1.4.0 or 1.4.0-beta.1"
            )
        };
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (bare, metadata) = match bare.split_once('+') {
            Some((bare, metadata)) if are_words(metadata) => (bare, metadata),
            Some(_) => return Err(refuse()),
            None => (bare, ""),
        };
        let (numbers, pre_release) = match bare.split_once('-') {
            Some((numbers, pre)) if are_words(pre) => (numbers, pre),
            Some(_) => return Err(refuse()),
            None => (bare, ""),
        };
        let numbers: Option<Vec<u64>> = numbers.split('.').map(number).collect();
        let mut numbers = numbers.ok_or_else(refuse)?;
        let n_written = numbers.len();
        numbers.resize(n_written.max(3), 0);
        let parts = pre_release.split('.').filter(|part| !part.is_empty());
        let pre_release =
            parts.map(|part| number(part).map_or_else(|| Part::Word(part.into()), Part::Number));
        let version = Self {
            numbers,
            pre_release: pre_release.collect(),
            metadata: metadata.into(),
        };
        Ok((version, n_written))
    }

    /// Whether it has a pre-release part.
    pub fn is_pre_release(&self) -> bool {
        !self.pre_release.is_empty()
    }

    fn number(&self, index: usize) -> u64 {
        self.numbers.get(index).copied().unwrap_or(0)
    }
}

impl Constraints {
    /// Reads comparisons separated by commas.
    ///
    /// # Errors
    /// Why they are none, as a sentence without its full stop.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err(
                "a version constraint is empty: leave it out, or write one such as \">= 1.2.0\""
                    .into(),
            );
        }
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > VERSION_CONSTRAINTS_MAX {
            return Err(alloc::format!(
                "there are more than {VERSION_CONSTRAINTS_MAX} version constraints"
            ));
        }
        parts
            .into_iter()
            .map(comparison)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a version satisfies all of them.
    pub fn allow(&self, version: &Version) -> bool {
        // Metadata stands beside the version: who asks for exactly 1.0.0-a gets 1.0.0-a+build too.
        let named = |one: &Comparison| one.operator == Operator::Equal && one.version == *version;
        if version.is_pre_release() && !self.0.iter().any(named) {
            return false;
        }
        self.0.iter().all(|one| one.allows(version))
    }

    /// Whether there is nothing that they refuse but pre-releases.
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// The same comparisons by the versions they name, as lock files have them.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let mut all = self.0.clone();
        all.sort_by(|one, other| {
            let versions = one.version.cmp(&other.version);
            versions.then((one.operator as u8).cmp(&(other.operator as u8)))
        });
        all.dedup();
        Self(all)
    }

    /// The comparisons of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut all = self.0.clone();
        for one in &other.0 {
            if !all.contains(one) {
                all.push(one.clone());
            }
        }
        Self(all)
    }
}

impl Comparison {
    fn allows(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        match self.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Pessimistic => {
                let fixed = self.n_written.saturating_sub(1);
                let same = (0..fixed).all(|at| version.number(at) == self.version.number(at));
                order != Ordering::Less && same
            }
        }
    }
}

fn comparison(text: &str) -> Result<Comparison, String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !"=!<>~".contains(c))
        .unwrap_or(text.len());
    let (operator, version) = text.split_at(end);
    let operator = match operator {
        "" | "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        "~>" => Operator::Pessimistic,
        other => {
            return Err(alloc::format!(
                "\"{other}\" compares nothing; there are =, !=, >, >=, <, <= and ~>"
            ));
        }
    };
    let (version, n_written) = Version::read(version.trim())?;
    Ok(Comparison {
        operator,
        version,
        n_written,
    })
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Whether a pre-release or metadata is made of words with dots between them.
fn are_words(text: &str) -> bool {
    text.split('.').all(|word| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'~')
    })
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let n_numbers = self.numbers.len().max(other.numbers.len());
        let numbers = (0..n_numbers).map(|at| self.number(at).cmp(&other.number(at)));
        let numbers = numbers.fold(Ordering::Equal, Ordering::then);
        // A release comes after all of its pre-releases.
        let is_release = self
            .pre_release
            .is_empty()
            .cmp(&other.pre_release.is_empty());
        numbers
            .then(is_release)
            .then_with(|| self.pre_release.cmp(&other.pre_release))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))?;
        for (at, part) in self.pre_release.iter().enumerate() {
            f.write_str(if at == 0 { "-" } else { "." })?;
            match part {
                Part::Number(number) => write!(f, "{number}")?,
                Part::Word(word) => f.write_str(word)?,
            }
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl fmt::Display for Constraints {
    /// Versions in full, except after `~>`, where what was left out has a meaning.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, one) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            let operator = match one.operator {
                Operator::Equal => "",
                Operator::NotEqual => "!= ",
                Operator::Greater => "> ",
                Operator::GreaterOrEqual => ">= ",
                Operator::Less => "< ",
                Operator::LessOrEqual => "<= ",
                Operator::Pessimistic => "~> ",
            };
            let mut version = one.version.clone();
            if one.operator == Operator::Pessimistic && !version.is_pre_release() {
                version.numbers.truncate(one.n_written);
            }
            write!(f, "{operator}{version}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        let ascending = [
            "0.9",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta",
            "1.0.0",
            "1.0.0.1",
            "1.0.1",
            "1.10.0",
            "2",
        ];
        for pair in ascending.windows(2) {
            let [one, other] = [pair[0], pair[1]].map(|text| Version::parse(text).unwrap());
            assert!(one < other, "{one} {other}");
        }
        assert_eq!(Version::parse("v1.2+x"), Version::parse("1.2.0"));
        for text in [
            "",
            "v",
            "1.",
            ".1",
            "1..2",
            "a",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-a..b",
            "-1",
            "1 2",
            "1.x",
            "99999999999999999999",
        ] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn constraints_allow_what_terraform_allows() {
        for (constraints, allowed, refused) in [
            ("1.2", "1.2.0", "1.2.1"),
            ("= 1.2.0", "1.2.0", "1.2.0.1"),
            ("!=1.2", "1.3.0", "1.2.0"),
            ("> 1.2, < 2", "1.2.1 1.99.0", "1.2.0 2.0.0 1.5.0-rc1"),
            (">=1.2,<=2", "1.2.0 2.0.0", "2.0.1 1.1.9"),
            ("~> 1.2", "1.2.0 1.9.0", "2.0.0 1.1.0"),
            ("~> 1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"),
            ("~> 1", "1.0.0 1.9.9 2.0.0", "0.9.0"),
            ("1.0.0-beta", "1.0.0-beta", "1.0.0 1.0.0-beta.1"),
            (">= 1.0.0-beta", "1.0.0", "1.0.0-beta 1.0.0-rc"),
            ("1.0.0-beta, >= 0.9", "1.0.0-beta", "1.0.0"),
        ] {
            let read = Constraints::parse(constraints).unwrap();
            let allows = |text: &str| read.allow(&Version::parse(text).unwrap());
            for version in allowed.split(' ') {
                assert!(allows(version), "{constraints} {version}");
            }
            for version in refused.split(' ') {
                assert!(!allows(version), "{constraints} {version}");
            }
        }
        assert!(Constraints::default().allow(&Version::parse("3").unwrap()));
        assert!(!Constraints::default().allow(&Version::parse("3-a").unwrap()));
    }

    #[test]
    fn constraints_are_shown_in_full() {
        for (text, shown) in [
            (">=5,<6.0", ">= 5.0.0, < 6.0.0"),
            ("~>5.0", "~> 5.0"),
            ("= 1.2", "1.2.0"),
            ("~> 1.2.3-a", "~> 1.2.3-a"),
        ] {
            assert_eq!(Constraints::parse(text).unwrap().to_string(), shown);
        }
        let sorted = Constraints::parse("< 6, >= 5.0, ~> 5.90, < 6")
            .unwrap()
            .sorted();
        assert_eq!(sorted.to_string(), ">= 5.0.0, ~> 5.90, < 6.0.0");
        for text in ["", ",", ">", "=> 1", "1.0 2.0", "1 ||2", "~1", ">= one"] {
            assert!(Constraints::parse(text).is_err(), "{text}");
        }
    }
}
