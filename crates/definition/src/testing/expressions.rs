//! The expressions of runs: values of variables, and what must hold.
//!
//! What only a test knows (outputs, results of earlier runs, variables that the module does not declare) is one object
//! that is bound around an expression before it is computed; everything else means what the module under test says.

use super::{Expected, TestFile, TestRun};
use crate::compile::{Files, answer};
use crate::console;
use crate::diag::testing as diag;
use crate::lower::{self, Context, Lowerer, Roots, TestNames};
use crate::syntax::Expression;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{Inputs, ProviderSchema, Release};
use value::{Diagnostics, Expr, ExprKind, Name, Reference, Scope, Span, Type, Value};

/// The iteration variable that stands for what only a test knows. No identifier contains a dot, so it can be confused
/// with nothing.
pub(crate) const KNOWN_TO_TEST: &str = "test.";

/// What the runs of a file can refer to.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Variables that are given from outside.
    pub given: Inputs,
    /// The outputs of runs that were carried out, each an object.
    pub runs: BTreeMap<Name, Value>,
}

/// Something that must hold after a run.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// Must be true.
    pub condition: Expr,
    /// What is said when it is not.
    pub message: Expr,
    /// What the condition looks at, by the place where it is written.
    pub parts: Vec<Expr>,
}

/// Where the variables of tests are computed: nothing is there but files.
struct OnlyFiles<'f>(&'f dyn Files);

impl Scope for OnlyFiles<'_> {
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics> {
        crate::constant::Nothing.resolve(reference, span)
    }
    fn instance(
        &self,
        reference: &Reference,
        key: &Value,
        span: Span,
    ) -> Result<Value, Diagnostics> {
        crate::constant::Nothing.instance(reference, key, span)
    }
    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        answer(self.0, path).map(Arc::from)
    }
}

/// Whether an expression refers to anything at all.
pub(super) fn refers(expression: &Expression) -> bool {
    let mut lowerer = Lowerer::new(Roots::Variables(KNOWN_TO_TEST), Context::default());
    let expr = lowerer.expression(expression);
    // What could not be read has been reported, and may well have referred to something.
    !lowerer.diagnostics.is_empty() || mentions(&expr)
}

fn mentions(expr: &Expr) -> bool {
    if matches!(&expr.kind, ExprKind::Iteration(name) if **name == *KNOWN_TO_TEST) {
        return true;
    }
    let mut found = false;
    expr.each_child(&mut |child| found = found || mentions(child));
    found
}

impl TestRun {
    /// The values of the variables of a run: those of its file, then its own, which win.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn values(
        &self,
        file: &TestFile,
        results: &Results,
        files: &dyn Files,
    ) -> Result<BTreeMap<Name, (Value, Span)>, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut values: BTreeMap<Name, (Value, Span)> = BTreeMap::new();
        let mut known = results.given.clone();
        for own in [false, true] {
            let written = if own {
                &self.variables
            } else {
                &file.variables
            };
            let names = TestNames {
                variables: known.keys().cloned().collect(),
                runs: own.then(|| self.run_names(file, results)),
                ..TestNames::default()
            };
            for attribute in written {
                let mut lowerer = Lowerer::new(Roots::Test(&names), Context::default());
                let expr = lowerer.expression(&attribute.value);
                if !lowerer.diagnostics.is_empty() {
                    found.extend(lowerer.diagnostics);
                    continue;
                }
                let bound = bind(expr, known_to_test(&known, None, &results.runs));
                let span = attribute.value.span;
                match bound.evaluate(&OnlyFiles(files)) {
                    Ok(value) if value.is_wholly_known() => {
                        values.insert(attribute.name.name.clone(), (value, span));
                    }
                    Ok(_) => found.push(diag::value_not_known(span)),
                    Err(why) => found.extend(why),
                }
            }
            let file_values = values.iter();
            known.extend(file_values.map(|(name, (value, _))| (name.clone(), value.clone())));
        }
        if found.is_empty() {
            Ok(values)
        } else {
            Err(found)
        }
    }

    /// Every run of the file, and whether it has results here.
    fn run_names(&self, file: &TestFile, results: &Results) -> BTreeMap<Name, bool> {
        let runs = file.runs.iter();
        let runs = runs.map(|run| (run.name.clone(), results.runs.contains_key(&run.name)));
        runs.collect()
    }

    /// What must hold after the run. `outputs` is an object of the outputs of the module under test, `values` are those
    /// that the variables were given.
    pub fn assertions(
        &self,
        file: &TestFile,
        results: &Results,
        values: &BTreeMap<Name, (Value, Span)>,
        under_test: (&Release, &[ProviderSchema]),
        outputs: &Value,
    ) -> (Vec<Assertion>, Diagnostics) {
        let (release, schemas) = under_test;
        let declared = console::names(release, schemas);
        let mut extra = results.given.clone();
        extra.extend(
            values
                .iter()
                .map(|(name, (value, _))| (name.clone(), value.clone())),
        );
        extra.retain(|name, _| !declared.variables.contains(name));
        let names = TestNames {
            variables: extra.keys().cloned().collect(),
            outputs: outputs.entries().map(|all| all.keys().cloned().collect()),
            runs: Some(self.run_names(file, results)),
            module: Some(&declared),
        };
        let known = known_to_test(&extra, Some(outputs), &results.runs);
        let mut found = Diagnostics::new();
        let mut assertions = Vec::new();
        for written in &self.assertions {
            let mut lowerer = Lowerer::new(Roots::Test(&names), Context::default());
            let condition = lowerer.expression(&written.condition);
            let message = lowerer.expression(&written.message);
            if !lowerer.diagnostics.is_empty() {
                found.extend(lowerer.diagnostics);
                continue;
            }
            let mut looked_at = Vec::new();
            parts(&condition, &mut looked_at);
            let bind = |expr| bind(expr, known.clone());
            assertions.push(Assertion {
                condition: bind(condition),
                message: bind(lower::convert(message, &Type::String)),
                parts: looked_at.into_iter().map(bind).collect(),
            });
        }
        (assertions, found)
    }

    /// What is expected to fail.
    ///
    /// # Errors
    /// When something cannot.
    pub fn expected(&self) -> Result<Vec<Expected>, Diagnostics> {
        super::read::expected(self)
    }
}

/// One object of everything that only a test knows.
fn known_to_test(variables: &Inputs, outputs: Option<&Value>, runs: &Inputs) -> Value {
    let object = |entries: &Inputs| Value::object(entries.clone());
    let mut all = BTreeMap::from([
        (Name::from("var"), object(variables)),
        (Name::from("run"), object(runs)),
    ]);
    all.extend(outputs.map(|outputs| (Name::from("output"), outputs.clone())));
    Value::object(all)
}

/// An expression with what only a test knows bound around it: the one result of going through a tuple of one.
fn bind(expr: Expr, known: Value) -> Expr {
    let span = expr.span;
    let with = |kind| Box::new(Expr { kind, span });
    let collection = Expr {
        kind: ExprKind::Literal(known),
        span,
    };
    let all = ExprKind::ForTuple {
        key: None,
        value: KNOWN_TO_TEST.into(),
        collection: with(ExprKind::Tuple(Vec::from([collection]))),
        condition: None,
        result: Box::new(expr),
    };
    let first = with(ExprKind::Literal(Value::number(0)));
    Expr {
        kind: ExprKind::Index(with(all), first),
        span,
    }
}

/// The references in an expression, each as far as it goes, unless something is bound around them.
fn parts(expr: &Expr, found: &mut Vec<Expr>) {
    let mut root = expr;
    while let ExprKind::Attribute(source, _) | ExprKind::Index(source, _) = &root.kind {
        root = source;
    }
    let is_reference = match &root.kind {
        ExprKind::Reference(_) | ExprKind::Instance(..) => true,
        ExprKind::Iteration(name) => **name == *KNOWN_TO_TEST,
        _ => false,
    };
    if is_reference && !is_open(expr, &mut Vec::new()) {
        if !found.iter().any(|known| known.span == expr.span) {
            found.push(expr.clone());
        }
        return;
    }
    expr.each_child(&mut |child| parts(child, found));
}

/// Whether an expression needs a variable of a `for` around it.
fn is_open(expr: &Expr, bound: &mut Vec<Name>) -> bool {
    match &expr.kind {
        ExprKind::Iteration(name) => **name != *KNOWN_TO_TEST && !bound.contains(name),
        ExprKind::ForTuple { key, value, .. } | ExprKind::ForObject { key, value, .. } => {
            let before = bound.len();
            bound.extend(key.iter().cloned().chain([value.clone()]));
            let open = any_child(expr, bound);
            bound.truncate(before);
            open
        }
        ExprKind::Splat { .. } => {
            bound.push(Name::from(""));
            let open = any_child(expr, bound);
            bound.pop();
            open
        }
        _ => any_child(expr, bound),
    }
}

fn any_child(expr: &Expr, bound: &mut Vec<Name>) -> bool {
    let mut open = false;
    expr.each_child(&mut |child| open = open || is_open(child, bound));
    open
}
