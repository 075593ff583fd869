//! What the server counts of itself, in the text that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};

/// Upper bounds of the durations that are told apart, in microseconds.
const BOUNDS_US: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    10_000_000,
];

/// Counts of one route.
#[derive(Default)]
pub struct RouteCounts {
    /// By the first digit of the status.
    statuses: [AtomicU64; 6],
    durations: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// Writes lines of its own into the answer.
pub type Extra = Box<dyn Fn(&mut String) + Send + Sync>;

#[derive(Default)]
pub struct Metrics {
    /// Filled when the server is built; asked for by each request.
    routes: BTreeMap<(&'static str, &'static str), RouteCounts>,
    other: RouteCounts,
    pub shed: AtomicU64,
    pub limited: AtomicU64,
    pub refused: AtomicU64,
    pub panics: AtomicU64,
    pub connections: AtomicI64,
    pub connections_refused: AtomicU64,
    pub streams: AtomicI64,
    pub log_lines_lost: AtomicU64,
    extra: Mutex<Vec<Extra>>,
}

impl Metrics {
    pub fn of(routes: impl Iterator<Item = (&'static str, &'static str)>) -> Metrics {
        let routes = routes.map(|route| (route, RouteCounts::default())).collect();
        Metrics { routes, ..Metrics::default() }
    }

    pub fn count(&self, method: &Method, path: &str, status: StatusCode, took: Duration) {
        let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let counts = self.routes.get(&(method, path) as &dyn RouteName).unwrap_or(&self.other);
        counts.add(status, took);
    }

    /// For routes that have more to tell.
    pub fn add_extra(&self, extra: Extra) {
        self.extra.lock().unwrap_or_else(PoisonError::into_inner).push(extra);
    }

    /// The text format, version 0.0.4.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(16 << 10);
        self.requests(&mut text);
        let counters = [
            ("interdict_requests_shed_total", "Requests refused under overload.", &self.shed),
            ("interdict_requests_limited_total", "Requests over their rate.", &self.limited),
            (
                "interdict_requests_refused_total",
                "Requests of nobody, or without right.",
                &self.refused,
            ),
            ("interdict_panics_total", "Requests that ended in a panic.", &self.panics),
            (
                "interdict_connections_refused_total",
                "Connections closed because too many were open.",
                &self.connections_refused,
            ),
            (
                "interdict_log_lines_lost_total",
                "Lines the log had no room for.",
                &self.log_lines_lost,
            ),
        ];
        for (name, help, value) in counters {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        }
        let gauges = [
            ("interdict_connections", "Connections that are open.", &self.connections),
            ("interdict_event_streams", "Event streams that are open.", &self.streams),
        ];
        for (name, help, value) in gauges {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
        for extra in self.extra.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            extra(&mut text);
        }
        text
    }

    fn requests(&self, text: &mut String) {
        let name = "interdict_requests_total";
        let _ = writeln!(text, "# HELP {name} Requests answered.\n# TYPE {name} counter");
        for (labels, counts) in self.labelled() {
            for (class, count) in counts.statuses.iter().enumerate() {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let _ = writeln!(text, "{name}{{{labels},status=\"{class}xx\"}} {count}");
                }
            }
        }
        let name = "interdict_request_seconds";
        let _ = writeln!(text, "# HELP {name} How long answers took.\n# TYPE {name} histogram");
        for (labels, counts) in self.labelled() {
            counts.histogram(text, name, &labels);
        }
    }

    fn labelled(&self) -> impl Iterator<Item = (String, &RouteCounts)> {
        let routes = self.routes.iter().map(|((method, path), counts)| {
            (format!("method=\"{method}\",route=\"{path}\""), counts)
        });
        let other = ("method=\"\",route=\"\"".to_string(), &self.other);
        routes.chain(std::iter::once(other))
    }
}

impl RouteCounts {
    fn add(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).min(5);
        self.statuses[class].fetch_add(1, Ordering::Relaxed);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < took_us);
        self.durations[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }

    fn histogram(&self, text: &mut String, name: &str, labels: &str) {
        let counts: Vec<u64> =
            self.durations.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return;
        }
        let mut so_far = 0;
        for (bound, count) in BOUNDS_US.iter().zip(&counts) {
            so_far += count;
            let bound = seconds(*bound);
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {so_far}");
        }
        let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {total}");
        let sum = seconds(self.sum_us.load(Ordering::Relaxed));
        let _ = writeln!(text, "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {total}");
    }
}

fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Lets a map of static names be asked with names that live shorter.
trait RouteName {
    fn pair(&self) -> (&str, &str);
}

impl RouteName for (&str, &str) {
    fn pair(&self) -> (&str, &str) {
        *self
    }
}

impl<'a> std::borrow::Borrow<dyn RouteName + 'a> for (&'static str, &'static str) {
    fn borrow(&self) -> &(dyn RouteName + 'a) {
        self
    }
}

impl PartialEq for dyn RouteName + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.pair() == other.pair()
    }
}

impl Eq for dyn RouteName + '_ {}

impl PartialOrd for dyn RouteName + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn RouteName + '_ {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.pair().cmp(&other.pair())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_by_route_and_class_and_buckets_add_up() {
        let metrics = Metrics::of([("GET", "/v1/cases")].into_iter());
        let took = Duration::from_micros(300);
        metrics.count(&Method::GET, "/v1/cases", StatusCode::OK, took);
        metrics.count(&Method::HEAD, "/v1/cases", StatusCode::NOT_FOUND, took);
        metrics.count(&Method::GET, "/nowhere", StatusCode::UNAUTHORIZED, took);
        let text = metrics.text();
        let route = "method=\"GET\",route=\"/v1/cases\"";
        assert!(text.contains(&format!("interdict_requests_total{{{route},status=\"2xx\"}} 1")));
        assert!(text.contains(&format!("interdict_requests_total{{{route},status=\"4xx\"}} 1")));
        assert!(
            text.contains(&format!("interdict_request_seconds_bucket{{{route},le=\"0.0005\"}} 2"))
        );
        assert!(
            text.contains(&format!("interdict_request_seconds_bucket{{{route},le=\"0.00025\"}} 0"))
        );
        assert!(text.contains("route=\"\",status=\"4xx\"} 1"));
    }
}
