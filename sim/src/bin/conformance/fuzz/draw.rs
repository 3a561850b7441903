//! Draws expressions: operators, calls, `for`, splats, templates and conditionals over everything that the fixtures
//! hold, mostly of kinds that fit and sometimes not.

use super::tree::Drawn;
use super::words::{ANYTHING, NAMES, NOTHING, WANTS, Want, for_parameter, leaves};
use sim::Rng;
use value::Type;
use value::functions::{Function, functions};

/// How deep expressions stand in each other.
const DEPTH_MAX: u32 = 4;

/// Most elements that are drawn of anything.
const ITEMS_MAX: u64 = 3;

/// Their results differ from call to call, or are those of this machine.
const NOT_COMPARED: &[&str] = &[
    "bcrypt",
    "timestamp",
    "plantimestamp",
    "uuid",
    "abspath",
    "pathexpand",
    "rsadecrypt",
];

/// Draws one expression after the other.
pub(super) struct Drawing<'a> {
    rng: &'a mut Rng,
    /// Variables of the `for` expressions around.
    names: Vec<&'static str>,
    functions: Vec<&'static Function>,
}

/// One expression.
pub(super) fn expression(rng: &mut Rng) -> Drawn {
    let functions = functions()
        .filter(|function| !NOT_COMPARED.contains(&function.name))
        .collect();
    let mut drawing = Drawing {
        rng,
        names: Vec::new(),
        functions,
    };
    let want = drawing.want();
    let depth = drawing.rng.below(u64::from(DEPTH_MAX)) as u32 + 1;
    drawing.draw(want, depth)
}

impl Drawing<'_> {
    fn want(&mut self) -> Want {
        self.one_of(WANTS)
    }

    fn one_of<T: Copy>(&mut self, of: &'static [T]) -> T {
        let first = of.first().copied();
        let picked = self.rng.pick(of).copied().or(first);
        picked.unwrap_or_else(|| unreachable!("nothing to pick from"))
    }

    /// Mostly what is wanted, sometimes anything.
    fn about(&mut self, want: Want, depth: u32) -> Drawn {
        let want = if self.rng.chance(120) {
            self.want()
        } else {
            want
        };
        self.draw(want, depth)
    }

    fn any(&mut self, depth: u32) -> Drawn {
        let want = self.want();
        self.draw(want, depth)
    }

    fn draw(&mut self, want: Want, depth: u32) -> Drawn {
        if depth == 0 || self.rng.chance(120) {
            return self.leaf(want);
        }
        let depth = depth - 1;
        match self.rng.below(20) {
            0 | 1 => self.conditional(want, depth),
            2 => {
                let inner = self.draw(want, depth);
                Drawn::fixed("(@)", vec![inner])
            }
            3..=7 => self.call(Some(want), depth),
            8 => self.step(want, depth),
            9 if self.rng.chance(300) => {
                let inner = self.draw(want, depth);
                Drawn::fixed("sensitive(@)", vec![inner])
            }
            9 => self.call(None, depth),
            _ => self.own(want, depth),
        }
    }

    fn leaf(&mut self, want: Want) -> Drawn {
        if !self.names.is_empty() && self.rng.chance(400) {
            let at = self.rng.below(self.names.len() as u64) as usize;
            return Drawn::leaf(self.names.get(at).copied().unwrap_or("null"));
        }
        match self.rng.below(100) {
            0..=5 => Drawn::leaf(self.one_of(ANYTHING)),
            6 => Drawn::leaf(self.one_of(NOTHING)),
            _ => Drawn::leaf(self.one_of(leaves(want))),
        }
    }

    /// What gives the wanted kind by its form.
    fn own(&mut self, want: Want, depth: u32) -> Drawn {
        match want {
            Want::Bool => self.truth(depth),
            Want::Number => self.arithmetic(depth),
            Want::String => self.template(depth),
            Want::Tuple => match self.rng.below(3) {
                0 => self.items(depth),
                1 => self.for_tuple(depth),
                _ => self.splat(depth),
            },
            Want::Object if self.rng.chance(500) => self.entries(depth),
            Want::Object => self.for_object(depth),
            Want::List => self.converted("tolist(@)", Want::Tuple, depth),
            Want::Set => self.converted("toset(@)", Want::Tuple, depth),
            Want::Map => self.converted("tomap(@)", Want::Object, depth),
        }
    }

    fn converted(&mut self, form: &str, of: Want, depth: u32) -> Drawn {
        let inner = self.own(of, depth.saturating_sub(1));
        Drawn::fixed(form, vec![inner])
    }

    fn truth(&mut self, depth: u32) -> Drawn {
        match self.rng.below(4) {
            0 => {
                let inner = self.about(Want::Bool, depth);
                Drawn::fixed("!@", vec![inner])
            }
            1 => {
                let sign = self.one_of(&["@ && @", "@ || @"]);
                let sides = vec![self.about(Want::Bool, depth), self.about(Want::Bool, depth)];
                Drawn::fixed(sign, sides)
            }
            2 => {
                let sign = self.one_of(&["@ < @", "@ <= @", "@ > @", "@ >= @"]);
                let sides = vec![
                    self.about(Want::Number, depth),
                    self.about(Want::Number, depth),
                ];
                Drawn::fixed(sign, sides)
            }
            _ => {
                let sign = self.one_of(&["@ == @", "@ != @"]);
                let want = self.want();
                let sides = vec![self.about(want, depth), self.about(want, depth)];
                Drawn::fixed(sign, sides)
            }
        }
    }

    fn arithmetic(&mut self, depth: u32) -> Drawn {
        if self.rng.chance(150) {
            let inner = self.about(Want::Number, depth);
            return Drawn::fixed("-@", vec![inner]);
        }
        let sign = self.one_of(&["@ + @", "@ - @", "@ * @", "@ / @", "@ % @"]);
        let sides = vec![
            self.about(Want::Number, depth),
            self.about(Want::Number, depth),
        ];
        Drawn::fixed(sign, sides)
    }

    fn conditional(&mut self, want: Want, depth: u32) -> Drawn {
        let parts = vec![
            self.about(Want::Bool, depth),
            self.about(want, depth),
            self.about(want, depth),
        ];
        Drawn::fixed("@ ? @ : @", parts)
    }

    fn items(&mut self, depth: u32) -> Drawn {
        let items = (0..self.rng.below(ITEMS_MAX + 1))
            .map(|_| self.any(depth))
            .collect();
        Drawn::Items {
            open: "[".to_owned(),
            items,
            separator: ", ",
            close: "]",
        }
    }

    fn entries(&mut self, depth: u32) -> Drawn {
        let mut items = Vec::new();
        for _ in 0..self.rng.below(ITEMS_MAX + 1) {
            let value = self.any(depth);
            items.push(match self.rng.below(5) {
                0 => {
                    let key = self.about(Want::String, depth.min(1));
                    Drawn::fixed("(@) = @", vec![key, value])
                }
                1 => Drawn::fixed(&format!("\"{}\" : @", self.one_of(NAMES)), vec![value]),
                2 => {
                    let key = self.about(Want::String, 0);
                    Drawn::fixed("\"k${@}\" = @", vec![key, value])
                }
                _ => Drawn::fixed(&format!("{} = @", self.one_of(NAMES)), vec![value]),
            });
        }
        Drawn::Items {
            open: "{ ".to_owned(),
            items,
            separator: ", ",
            close: " }",
        }
    }

    /// The wanted kind of one that holds others.
    fn collection(&mut self) -> Want {
        self.one_of(&[Want::List, Want::Set, Want::Map, Want::Tuple, Want::Object])
    }

    /// Draws with further names in scope.
    fn within<T>(&mut self, names: &[&'static str], draw: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.names.len();
        self.names.extend(names);
        let drawn = draw(self);
        self.names.truncate(before);
        drawn
    }

    fn for_tuple(&mut self, depth: u32) -> Drawn {
        let want = self.collection();
        let collection = self.about(want, depth);
        let (head, names): (&str, &[&'static str]) = if self.rng.chance(500) {
            ("k, v", &["k", "v"])
        } else {
            ("v", &["v"])
        };
        let result = self.within(names, |inside| inside.any(depth));
        if self.rng.chance(300) {
            let condition = self.within(names, |inside| inside.about(Want::Bool, depth));
            let form = format!("[for {head} in @ : @ if @]");
            return Drawn::fixed(&form, vec![collection, result, condition]);
        }
        Drawn::fixed(&format!("[for {head} in @ : @]"), vec![collection, result])
    }

    fn for_object(&mut self, depth: u32) -> Drawn {
        let want = self.collection();
        let collection = self.about(want, depth);
        let (head, names): (&str, &[&'static str]) = if self.rng.chance(600) {
            ("k, v", &["k", "v"])
        } else {
            ("v", &["v"])
        };
        let key = if self.rng.chance(500) {
            Drawn::leaf(names.first().copied().unwrap_or("v"))
        } else {
            self.within(names, |inside| inside.about(Want::String, depth.min(2)))
        };
        let value = self.within(names, |inside| inside.any(depth));
        let dots = if self.rng.chance(250) { "..." } else { "" };
        if self.rng.chance(300) {
            let condition = self.within(names, |inside| inside.about(Want::Bool, depth));
            let form = format!("{{for {head} in @ : @ => @{dots} if @}}");
            return Drawn::fixed(&form, vec![collection, key, value, condition]);
        }
        let form = format!("{{for {head} in @ : @ => @{dots}}}");
        Drawn::fixed(&form, vec![collection, key, value])
    }

    fn splat(&mut self, depth: u32) -> Drawn {
        let want = self.want();
        let source = self.atom(want, depth);
        let steps = match self.rng.below(6) {
            0 => "[*]".to_owned(),
            1 => format!("[*].{}", self.one_of(NAMES)),
            2 => "[*][0]".to_owned(),
            3 => format!(".*.{}", self.one_of(NAMES)),
            4 => format!("[*].{}[*]", self.one_of(NAMES)),
            _ => format!("[*][\"{}\"]", self.one_of(NAMES)),
        };
        Drawn::fixed(&format!("@{steps}"), vec![source])
    }

    /// An expression that a step can follow.
    fn atom(&mut self, want: Want, depth: u32) -> Drawn {
        let inner = self.about(want, depth);
        match &inner {
            Drawn::Leaf(text) if text.starts_with("local.") => inner,
            _ => Drawn::fixed("(@)", vec![inner]),
        }
    }

    /// A step into something.
    fn step(&mut self, want: Want, depth: u32) -> Drawn {
        let of = self.collection();
        let source = self.atom(of, depth);
        match self.rng.below(5) {
            0 => Drawn::fixed(&format!("@.{}", self.one_of(NAMES)), vec![source]),
            1 => Drawn::fixed(&format!("@[\"{}\"]", self.one_of(NAMES)), vec![source]),
            2 => Drawn::fixed(
                self.one_of(&["@[0]", "@[1]", "@[-1]", "@.0", "@[1.5]", "@[\"0\"]"]),
                vec![source],
            ),
            3 => {
                let key = self.about(Want::Number, depth);
                Drawn::fixed("@[@]", vec![source, key])
            }
            _ => {
                let key = self.about(want, depth.min(1));
                Drawn::fixed("@[@]", vec![source, key])
            }
        }
    }

    fn template(&mut self, depth: u32) -> Drawn {
        match self.rng.below(8) {
            0 | 1 => {
                let inner = self.about(Want::String, depth);
                Drawn::fixed("\"a-${@}-b\"", vec![inner])
            }
            2 => {
                let inner = self.any(depth);
                Drawn::fixed("\"${@}\"", vec![inner])
            }
            3 => {
                let parts = vec![
                    self.about(Want::String, depth),
                    self.about(Want::Number, depth),
                ];
                Drawn::fixed(
                    self.one_of(&["\"${@}${@}\"", "\"${@ ~} ${~ @}\"", "\" ${~ @} x ${@ ~} \""]),
                    parts,
                )
            }
            4 => {
                let parts = vec![
                    self.about(Want::Bool, depth),
                    self.about(Want::String, depth),
                    self.about(Want::String, depth),
                ];
                let form = self.one_of(&[
                    "\"%{ if @ }${@}%{ else }${@}%{ endif }\"",
                    "\" %{~ if @ ~} ${@} %{~ else ~} ${@} %{~ endif ~} \"",
                ]);
                Drawn::fixed(form, parts)
            }
            5 => {
                let want = self.collection();
                let collection = self.about(want, depth);
                let body = self.within(&["v"], |inside| inside.about(Want::String, depth));
                Drawn::fixed(
                    "\"%{ for v in @ }<${@}>%{ endfor }\"",
                    vec![collection, body],
                )
            }
            6 => {
                let parts = vec![self.about(Want::String, depth)];
                let form = self.one_of(&[
                    "(<<EOT\nx ${@}\n  y\nEOT\n)",
                    "(<<-EOT\n    x ${@}\n  y\n\n    z\n  EOT\n)",
                    "(<<-EOT\n  ${@}\n   y\n  EOT\n)",
                ]);
                Drawn::fixed(form, parts)
            }
            _ => {
                let want = self.collection();
                let collection = self.about(want, depth);
                let body = self.within(&["k", "v"], |inside| inside.about(Want::String, depth));
                let form =
                    "(<<-EOT\n  %{ for k, v in @ ~}\n  - ${k} ${@}\n  %{ endfor ~}\n  EOT\n)";
                Drawn::fixed(form, vec![collection, body])
            }
        }
    }

    /// A call of any function, or of one that gives the wanted kind.
    fn call(&mut self, want: Option<Want>, depth: u32) -> Drawn {
        let mut function = self.any_function();
        // A few draws are enough to find one mostly; any other is as good.
        for _ in 0..8 {
            if want.is_none_or(|want| gives(function, want)) {
                break;
            }
            function = self.any_function();
        }
        let signature = function.signature();
        let mut items: Vec<Drawn> = Vec::new();
        for parameter in &signature.parameters {
            items.push(self.argument(function.name, parameter.name, &parameter.ty, depth));
        }
        if let Some(variadic) = &signature.variadic {
            for _ in 0..self.rng.below(ITEMS_MAX + 1) {
                items.push(self.argument(function.name, variadic.name, &variadic.ty, depth));
            }
        }
        if self.rng.chance(25) {
            items.pop();
        }
        if self.rng.chance(15) {
            items.push(self.any(0));
        }
        let mut close = ")";
        if signature.variadic.is_some() && self.rng.chance(120) {
            let want = self.collection();
            items.push(self.about(want, depth));
            close = "...)";
        }
        let name = if self.rng.chance(8) {
            "nosuch"
        } else {
            function.name
        };
        Drawn::Items {
            open: format!("{name}("),
            items,
            separator: ", ",
            close,
        }
    }

    fn any_function(&mut self) -> &'static Function {
        let at = self.rng.below(self.functions.len() as u64) as usize;
        let found = self.functions.get(at).copied();
        found.unwrap_or_else(|| unreachable!("an index below the length"))
    }

    fn argument(&mut self, function: &str, parameter: &str, ty: &Type, depth: u32) -> Drawn {
        let known = for_parameter(function, parameter);
        if !known.is_empty() && self.rng.chance(750) {
            return Drawn::leaf(self.one_of(known));
        }
        let want = match ty {
            Type::Bool => Want::Bool,
            Type::Number => Want::Number,
            Type::String => Want::String,
            Type::List(_) => self.one_of(&[Want::List, Want::Tuple]),
            Type::Set(_) => self.one_of(&[Want::Set, Want::Tuple]),
            Type::Map(_) => self.one_of(&[Want::Map, Want::Object]),
            _ => match parameter {
                "list" | "seqs" | "sets" => self.one_of(&[Want::List, Want::Tuple, Want::Set]),
                "maps" | "inputMap" | "mapping" | "vars" => self.one_of(&[Want::Map, Want::Object]),
                _ => self.want(),
            },
        };
        self.about(want, depth)
    }
}

/// Whether a function can give a kind.
fn gives(function: &Function, want: Want) -> bool {
    matches!(
        (function.signature().returns, want),
        (Type::Bool, Want::Bool)
            | (Type::Number, Want::Number)
            | (Type::String, Want::String)
            | (Type::List(_), Want::List | Want::Tuple)
            | (Type::Set(_), Want::Set)
            | (Type::Map(_), Want::Map | Want::Object)
            | (Type::Any, _)
    )
}
