//! What is printed where: answers on standard output, progress, remarks and errors on
//! standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Color;
use crate::render::Style;

pub struct Out {
    quiet: bool,
    color: Color,
}

impl Out {
    pub fn new(quiet: bool, color: Color) -> Out {
        Out { quiet, color }
    }

    /// An answer.
    pub fn print(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    pub fn json(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        Ok(self.print(&text)?)
    }

    /// A remark beside the answer. Failing to say it is not an error.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            drop(writeln!(io::stderr(), "{text}"));
        }
    }

    /// What the user must not overlook, quiet or not.
    pub fn warn(&self, text: &str) {
        drop(writeln!(io::stderr(), "warning: {text}"));
    }

    pub fn error(&self, error: &anyhow::Error) {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        drop(writeln!(io::stderr(), "error: {}", without_repeats(&causes).join(": ")));
    }

    /// How the terminal wants its answers.
    pub fn style(&self) -> Style {
        let is_terminal = io::stdout().is_terminal();
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let seen = || {
            is_terminal
                .then(terminal_size::terminal_size)
                .flatten()
                .map(|(width, _)| usize::from(width.0))
        };
        let width = width.or_else(seen).unwrap_or(80);
        Style { color, width: width.clamp(60, 120) }
    }

    /// A bar for work of known size in bytes, on standard error.
    pub fn bar(&self, size: u64, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        let bar =
            self.progress(ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr()));
        let style = ProgressStyle::with_template(
            "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}",
        )
        .expect("a valid template");
        bar.set_style(style);
        bar.set_message(what);
        bar
    }

    /// A bar for so many things to be made, with how many a second.
    pub fn count_bar(&self, count: u64, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        let target = ProgressDrawTarget::stderr();
        let bar = self.progress(ProgressBar::with_draw_target(Some(count), target));
        let template = "{msg} {bar:30} {human_pos}/{human_len} {per_sec} eta {eta}";
        bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
        bar.set_message(what);
        bar
    }

    /// A sign of life for work of unknown size.
    pub fn spinner(&self, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        let bar = self.progress(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// May progress be drawn over itself?
    pub fn is_shown_live(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    fn progress(&self, bar: ProgressBar) -> ProgressBar {
        if !self.is_shown_live() {
            return ProgressBar::hidden();
        }
        bar
    }
}

/// Did the reader of our output go away? That is no failure.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// Some libraries repeat a cause in their own text; people read it once.
fn without_repeats(causes: &[String]) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    for cause in causes {
        if !kept.last().is_some_and(|last| last.contains(cause.as_str())) {
            kept.push(cause);
        }
    }
    kept
}
