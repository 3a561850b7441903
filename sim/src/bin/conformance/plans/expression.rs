//! Expressions drawn from a seed: of a kind, from what is in scope, and nearly always right.

use sim::Rng;

/// What an expression gives, as far as those that use it must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Truth,
    Texts,
    Mapping,
    Any,
}

/// All kinds.
pub(crate) const KINDS: &[Kind] = &[
    Kind::Text,
    Kind::Number,
    Kind::Truth,
    Kind::Texts,
    Kind::Mapping,
    Kind::Any,
];

/// Texts that stand in drawn configurations.
pub(crate) const WORDS: &[&str] = &["red", "green", "blue", "grey", "cyan"];

/// An expression with what is known about it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    /// It is known while planning, and fit for `count` and `for_each`.
    pub(crate) known: bool,
    /// It may be sensitive.
    pub(crate) secret: bool,
}

impl Source {
    pub(crate) fn new(text: impl Into<String>, kind: Kind) -> Self {
        Self {
            text: text.into(),
            kind,
            known: false,
            secret: false,
        }
    }

    pub(crate) fn known(mut self, known: bool) -> Self {
        self.known = known;
        self
    }

    pub(crate) fn secret(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }
}

/// Draws expressions.
pub(crate) struct Expressions<'a> {
    pub(crate) rng: &'a mut Rng,
    pub(crate) scope: &'a [Source],
    /// Something sensitive was used.
    pub(crate) secret: bool,
}

impl Expressions<'_> {
    /// An expression of a kind.
    pub(crate) fn of(&mut self, kind: Kind, depth: u32) -> String {
        let draw = self.rng.below(100);
        if draw < 50
            && let Some(source) = self.source(kind)
        {
            return source;
        }
        if draw < 70 || depth == 0 {
            return self.literal(kind);
        }
        match kind {
            Kind::Text => self.text(depth - 1),
            Kind::Number => self.number(depth - 1),
            Kind::Truth => self.truth(depth - 1),
            Kind::Texts => self.texts(depth - 1),
            Kind::Mapping => self.mapping(depth - 1),
            Kind::Any => self.any(depth - 1),
        }
    }

    fn source(&mut self, kind: Kind) -> Option<String> {
        let fitting: Vec<Source> = self
            .scope
            .iter()
            .filter(|one| kind == Kind::Any || one.kind == kind)
            .cloned()
            .collect();
        let source = self.rng.pick(&fitting)?;
        self.secret |= source.secret;
        Some(source.text.clone())
    }

    pub(crate) fn word(&mut self) -> &'static str {
        self.rng.pick(WORDS).copied().unwrap_or("red")
    }

    pub(crate) fn literal(&mut self, kind: Kind) -> String {
        let word = self.word();
        match kind {
            Kind::Text => format!("\"{word}\""),
            Kind::Number => ["0", "1", "2.5", "-3", "100000000000000000000"]
                .get(self.rng.below(5) as usize)
                .map_or_else(|| "7".to_owned(), ToString::to_string),
            Kind::Truth => if self.rng.chance(500) {
                "true"
            } else {
                "false"
            }
            .to_owned(),
            Kind::Texts => match self.rng.below(4) {
                0 => format!("[\"{word}\"]"),
                1 => format!("[\"a\", \"{word}\"]"),
                2 => format!("tolist([\"{word}\", \"b\"])"),
                _ => format!("toset([\"{word}\", \"b\"])"),
            },
            Kind::Mapping => match self.rng.below(3) {
                0 => format!("{{ a = \"{word}\" }}"),
                1 => format!("tomap({{ a = \"{word}\", b = \"x\" }})"),
                _ => format!("{{ a = \"{word}\", b = \"y\" }}"),
            },
            Kind::Any => match self.rng.below(9) {
                0 => "null".to_owned(),
                1 => "[]".to_owned(),
                2 => "{}".to_owned(),
                3 => format!("[\"{word}\", 1, null]"),
                4 => format!("{{ n = null, w = \"{word}\" }}"),
                5 => "tolist([])".to_owned(),
                6 => format!("toset([\"{word}\", \"x\"])"),
                7 => "tostring(null)".to_owned(),
                _ => format!("\"{word}\""),
            },
        }
    }

    fn text(&mut self, depth: u32) -> String {
        let text = self.of(Kind::Text, depth);
        match self.rng.below(16) {
            0 | 1 => format!("\"p-${{{text}}}\""),
            2 => format!("upper({text})"),
            3 => format!("join(\"-\", {})", self.of(Kind::Texts, depth)),
            4 => format!("jsonencode({})", self.of(Kind::Any, depth)),
            5 | 6 => {
                let truth = self.of(Kind::Truth, depth);
                format!("({truth} ? {text} : {})", self.of(Kind::Text, depth))
            }
            7 => format!("tostring({})", self.of(Kind::Number, depth)),
            8 => format!("try({{ a = {} }}.nothing, {text})", self.of(Kind::Any, 0)),
            9 => format!("coalesce({text}, \"z\")"),
            10 => format!("format(\"%s!\", {text})"),
            11 => format!("lookup({}, \"a\", {text})", self.of(Kind::Mapping, depth)),
            12 => format!("one([{text}])"),
            13 => format!("replace({text}, \"e\", \"i\")"),
            14 => format!("sha1({text})"),
            _ => {
                self.secret = true;
                format!("sensitive({text})")
            }
        }
    }

    fn number(&mut self, depth: u32) -> String {
        let number = self.of(Kind::Number, depth);
        match self.rng.below(6) {
            0 => format!("length({})", self.of(Kind::Texts, depth)),
            1 => format!("({number} + 1)"),
            2 => format!("sum([{number}, 2])"),
            3 => format!("max({number}, 3)"),
            4 => format!("length({})", self.of(Kind::Mapping, depth)),
            _ => format!("(3 - {number})"),
        }
    }

    fn truth(&mut self, depth: u32) -> String {
        let text = self.of(Kind::Text, depth);
        match self.rng.below(8) {
            0 | 1 => format!("({text} == {})", self.of(Kind::Text, depth)),
            2 => format!("({} > 1)", self.of(Kind::Number, depth)),
            3 => format!("(!{})", self.of(Kind::Truth, depth)),
            4 => format!("contains({}, {text})", self.of(Kind::Texts, depth)),
            5 => format!("can({text})"),
            6 => format!("({} != null)", self.of(Kind::Any, 0)),
            _ => {
                let other = self.of(Kind::Truth, depth);
                format!("({other} && {})", self.of(Kind::Truth, depth))
            }
        }
    }

    fn texts(&mut self, depth: u32) -> String {
        let text = self.of(Kind::Text, depth);
        let texts = self.of(Kind::Texts, depth);
        match self.rng.below(12) {
            0 | 1 => format!("[\"a\", {text}]"),
            2 => format!("tolist([{text}])"),
            3 => format!("concat(tolist({texts}), [{text}])"),
            4 => format!("[for one in {texts} : upper(one)]"),
            5 => format!("[for one in {texts} : one if one != \"red\"]"),
            6 => format!("distinct(tolist({texts}))"),
            7 => format!("keys({})", self.of(Kind::Mapping, depth)),
            8 => format!("values({})", self.of(Kind::Mapping, depth)),
            9 => format!("split(\"e\", {text})"),
            10 => format!("flatten([{texts}, [{text}]])"),
            _ => format!("toset({texts})"),
        }
    }

    fn mapping(&mut self, depth: u32) -> String {
        let text = self.of(Kind::Text, depth);
        let mapping = self.of(Kind::Mapping, depth);
        match self.rng.below(8) {
            0 | 1 => format!("{{ a = {text} }}"),
            2 => format!("tomap({{ a = {text} }})"),
            3 | 4 => format!("merge({mapping}, {{ b = {text} }})"),
            5 => format!("zipmap([\"a\", \"c\"], [{text}, \"z\"])"),
            6 => format!("{{ for k, v in {mapping} : upper(k) => v }}"),
            _ => format!("{{ for k, v in {mapping} : k => \"${{v}}!\" }}"),
        }
    }

    fn any(&mut self, depth: u32) -> String {
        let kind = self.rng.pick(KINDS).copied().unwrap_or(Kind::Text);
        let one = self.of(kind, depth);
        match self.rng.below(9) {
            0 | 1 => format!("{{ a = {one}, b = {} }}", self.of(Kind::Any, depth)),
            2 => format!("[{one}, {}]", self.of(Kind::Any, depth)),
            3 => {
                let truth = self.of(Kind::Truth, depth);
                format!("({truth} ? {one} : null)")
            }
            4 => format!("jsondecode(jsonencode({one}))"),
            5 => format!("{{ for k in [\"a\", \"b\"] : k => {one} }}"),
            6 => format!("[for k in [1, 2] : [k, {one}]]"),
            7 => format!("try({one}, \"none\")"),
            _ => one,
        }
    }
}
