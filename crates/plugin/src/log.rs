//! What a provider writes to its standard error: the end of it, and all of a crash.

use crate::limits::{CRASH_BYTES_MAX, LOG_BYTES_MAX, SHOWN_LINES_MAX};
use serde_json::Value as Json;
use std::collections::VecDeque;

/// The end of a log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<String>,
    n_bytes: usize,
    crash: Option<String>,
}

impl Log {
    /// Takes a line.
    pub(crate) fn line(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(crash) = &mut self.crash {
            if crash.len() + line.len() < CRASH_BYTES_MAX {
                crash.push('\n');
                crash.push_str(line);
            }
            return;
        }
        if line.starts_with("panic: ") || line.starts_with("fatal error: ") {
            self.crash = Some(line.to_owned());
            return;
        }
        let line = readable(line);
        self.n_bytes += line.len();
        self.lines.push_back(line);
        while self.n_bytes > LOG_BYTES_MAX
            && let Some(first) = self.lines.pop_front()
        {
            self.n_bytes -= first.len();
        }
    }

    /// What is worth showing with an error: the crash if there was one, else the last lines.
    pub(crate) fn tail(&self) -> String {
        if let Some(crash) = &self.crash {
            let shown: Vec<&str> = crash.lines().take(SHOWN_LINES_MAX).collect();
            return shown.join("\n");
        }
        let over = self.lines.len().saturating_sub(SHOWN_LINES_MAX);
        let shown: Vec<&str> = self.lines.iter().skip(over).map(String::as_str).collect();
        shown.join("\n")
    }
}

/// A line of hclog as its level and message; any other line as it is.
fn readable(line: &str) -> String {
    let Ok(Json::Object(entry)) = serde_json::from_str::<Json>(line) else {
        return line.to_owned();
    };
    let text = |key: &str| entry.get(key).and_then(Json::as_str);
    match (text("@level"), text("@message")) {
        (Some(level), Some(message)) => format!("[{}] {message}", level.to_uppercase()),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_a_crash_goes_before_it() {
        let mut log = Log::default();
        for n in 0..10_000 {
            log.line(&format!("line {n}"));
        }
        log.line(r#"{"@level":"warn","@message":"careful","@module":"x"}"#);
        assert!(log.n_bytes <= LOG_BYTES_MAX);
        assert_eq!(log.tail().lines().last(), Some("[WARN] careful"));
        assert_eq!(log.tail().lines().count(), SHOWN_LINES_MAX);
        log.line("panic: out of cheese");
        log.line("goroutine 1 [running]:");
        assert_eq!(log.tail(), "panic: out of cheese\ngoroutine 1 [running]:");
    }
}
