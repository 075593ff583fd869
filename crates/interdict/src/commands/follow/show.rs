//! How following goes, on standard error: bars on a terminal, else a line when something changes.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::Timestamp;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::follow::report::Said;
use crate::follow::{ChainReport, Doing};
use crate::out::Out;

/// While catching up, a line so often.
const LINE_EVERY_S: i64 = 30;

pub struct Show<'a> {
    out: &'a Out,
    /// Keeps the bars below each other.
    bars: Option<MultiProgress>,
    chains: Vec<Shown>,
    tick: Interval,
}

struct Shown {
    watched: watch::Receiver<ChainReport>,
    bar: ProgressBar,
    doing: Option<Doing>,
    /// Was it said from which block on, where nobody had said?
    is_from_said: bool,
    /// The last error that was told, and when it came up.
    error: Option<Said>,
    line: Option<Timestamp>,
}

impl<'a> Show<'a> {
    pub fn new(out: &'a Out, chains: Vec<watch::Receiver<ChainReport>>) -> Show<'a> {
        let bars = out
            .is_shown_live()
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let shown = |watched: watch::Receiver<ChainReport>| {
            let bar = bars.as_ref().map_or_else(ProgressBar::hidden, |bars| {
                let bar = bars.add(ProgressBar::new(0));
                let template = "{prefix} {bar:24} {human_pos}/{human_len} {msg}";
                bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
                bar.set_prefix(watched.borrow().chain.name());
                bar
            });
            // Errors of an earlier run are not told again.
            let error = Some(Said::now(String::new()));
            Shown { watched, bar, doing: None, is_from_said: false, error, line: None }
        };
        let mut tick = interval(Duration::from_millis(250));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Show { out, chains: chains.into_iter().map(shown).collect(), bars, tick }
    }

    /// Waits for a moment, and shows what is new.
    pub async fn next(&mut self) {
        self.tick.tick().await;
        self.show();
    }

    pub fn end(&mut self) {
        self.say_from();
        self.chains.iter().for_each(|chain| chain.bar.finish_and_clear());
    }

    /// Once, where nobody had said from which block on.
    fn say_from(&mut self) {
        for chain in self.chains.iter_mut().filter(|chain| !chain.is_from_said) {
            let report = chain.watched.borrow();
            let Some(why) = &report.from_why else { continue };
            let text = format!("{}: {why}", report.chain.name());
            match &self.bars {
                Some(bars) => drop(bars.println(&text)),
                None => self.out.note(&text),
            }
            chain.is_from_said = true;
        }
    }

    fn show(&mut self) {
        self.say_from();
        let (out, bars) = (self.out, &self.bars);
        let say = |text: &str| match bars {
            Some(bars) => drop(bars.println(text)),
            None => out.note(text),
        };
        for chain in &mut self.chains {
            let report = chain.watched.borrow_and_update().clone();
            if let Some(error) = &report.last_error
                && chain.is_news(error)
            {
                chain.error = Some(error.clone());
                say(&format!("{}: {}", report.chain.name(), error.what));
            }
            if bars.is_some() {
                chain.draw(&report);
            } else if chain.is_due(&report) {
                say(&line(&report));
            }
        }
    }
}

impl Shown {
    /// One that comes again is told now and then.
    fn is_news(&self, error: &Said) -> bool {
        let Some(told) = &self.error else { return true };
        let is_old = error.at.as_second() - told.at.as_second() >= LINE_EVERY_S;
        error.at > told.at && (error.what != told.what || is_old)
    }

    fn draw(&self, report: &ChainReport) {
        if let (Some(held), Some(tip)) = (&report.held, report.tip) {
            let from = report.from.unwrap_or_default();
            self.bar.set_length(tip.saturating_sub(from).saturating_add(1));
            self.bar.set_position(held.height.saturating_sub(from).saturating_add(1));
        }
        self.bar.set_message(how(report));
    }

    fn is_due(&mut self, report: &ChainReport) -> bool {
        let is_old = self
            .line
            .is_none_or(|line| report.updated.as_second() - line.as_second() >= LINE_EVERY_S);
        let is_new = self.doing != Some(report.doing) && is_old;
        let is_due = is_new || report.doing == Doing::CatchingUp && is_old;
        if is_due {
            (self.doing, self.line) = (Some(report.doing), Some(report.updated));
        }
        is_due && report.doing != Doing::Starting
    }
}

fn line(report: &ChainReport) -> String {
    let held =
        report.held.as_ref().map_or_else(|| "nothing".into(), |held| held.height.to_string());
    let tip = report.tip.map_or_else(|| "?".into(), |tip| tip.to_string());
    format!("{}: block {held} of {tip}: {}", report.chain.name(), how(report))
}

/// What it does, how fast, and how long it will take.
fn how(report: &ChainReport) -> String {
    let mut text = report.doing.text().to_string();
    if let Some(rate) = report.blocks_per_second {
        text += &format!(", {rate} blocks/s");
    }
    if let Some(left) = report.seconds_left {
        text += &format!(", {} left", duration(left));
    }
    text
}

/// The two largest units: `2 d 3 h`, `4 min 10 s`.
pub fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, name) in units {
        if left >= unit {
            parts.push(format!("{} {name}", left / unit));
            left %= unit;
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0 s".into() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_is_said_in_its_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (3_600, "1 h"),
            (93_784, "1 d 2 h"),
            (86_401, "1 d"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
