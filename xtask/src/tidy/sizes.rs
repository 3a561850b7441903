//! Sizes that a reader can hold: growth is answered by splitting by noun, not by numbering parts.

use super::Finding;
use crate::tree::Tree;

/// Lines that hold code; blanks, comments and tests are free.
const FILE_CODE_LINES_MAX: usize = 1_000;
/// Lines that hold code, from `fn` to the closing brace.
const FUNCTION_CODE_LINES_MAX: usize = 70;

pub(super) fn large_files(tree: &Tree) -> Vec<Finding> {
    tree.house()
        .filter_map(|(_, path, source)| {
            let lines = source.code_lines();
            let what = format!(
                "{lines} lines of code, {FILE_CODE_LINES_MAX} are allowed; split it by noun"
            );
            (lines > FILE_CODE_LINES_MAX).then(|| Finding::new(path, 1, what).unless_allowed(path))
        })
        .collect()
}

pub(super) fn long_functions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, path, source) in tree.house() {
        for function in source.functions() {
            if function.code_lines > FUNCTION_CODE_LINES_MAX {
                let what = format!(
                    "`{}` has {} lines of code, {FUNCTION_CODE_LINES_MAX} are allowed; name its parts",
                    function.name, function.code_lines
                );
                let key = format!("{path}::{}", function.name);
                findings.push(Finding::new(path, function.line, what).unless_allowed(key));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::planted::expect;
    use super::*;

    #[test]
    fn a_large_file_is_found_and_tests_do_not_count() {
        let fits = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "const A: u8 = 1; // one\n\n".repeat(FILE_CODE_LINES_MAX),
            "const B: u8 = 1;\n".repeat(500)
        );
        let large = format!("{fits}const C: u8 = 1;\n");
        expect(
            large_files,
            &[("crates/a/src/a.rs", &fits), ("crates/a/src/b.rs", &large)],
            &[("crates/a/src/b.rs:1", "1001 lines")],
        );
    }

    #[test]
    fn a_long_function_is_found_and_tests_do_not_count() {
        let function = |name: &str, lines: usize| {
            format!(
                "fn {name}() {{\n{}}}\n",
                "    work();\n\n    // why\n".repeat(lines)
            )
        };
        let text = format!(
            "{}{}#[test]\n{}",
            function("fits", FUNCTION_CODE_LINES_MAX - 2),
            function("long", FUNCTION_CODE_LINES_MAX - 1),
            function("test", 200)
        );
        let line = 1 + function("fits", FUNCTION_CODE_LINES_MAX - 2)
            .lines()
            .count();
        expect(
            long_functions,
            &[("crates/a/src/lib.rs", &text)],
            &[(
                &format!("crates/a/src/lib.rs:{line}"),
                "`long` has 71 lines",
            )],
        );
    }
}
