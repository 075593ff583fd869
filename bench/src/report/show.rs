//! Numbers as people read them.

#[derive(Clone, Copy, Debug)]
pub enum Show {
    Seconds,
    Bytes,
    Count,
    Number,
    Percent,
    Times,
}

pub fn shown(value: Option<f64>, show: Show) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return "–".into() };
    match show {
        Show::Seconds => seconds(value),
        Show::Bytes => with_unit(value, &["B", "kB", "MB", "GB", "TB"]),
        Show::Count => with_unit(value, &["", "k", "M", "G", "T"]),
        Show::Number => three_digits(value),
        Show::Percent => format!("{} %", three_digits(value * 100.0)),
        Show::Times => times(value),
    }
}

pub fn times(value: f64) -> String {
    format!("{}×", three_digits(value))
}

fn seconds(value: f64) -> String {
    match value {
        v if v >= 1.0 => format!("{} s", three_digits(v)),
        v if v >= 1e-3 => format!("{} ms", three_digits(v * 1e3)),
        v if v >= 1e-6 => format!("{} µs", three_digits(v * 1e6)),
        v => format!("{} ns", three_digits(v * 1e9)),
    }
}

/// By thousands.
fn with_unit(value: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut at = 0;
    while value >= 1000.0 && at + 1 < units.len() {
        value /= 1000.0;
        at += 1;
    }
    format!("{} {}", three_digits(value), units[at]).trim_end().to_string()
}

fn three_digits(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(shown(Some(0.000_012_34), Show::Seconds), "12.3 µs");
        assert_eq!(shown(Some(2_690_000.0), Show::Count), "2.69 M");
        assert_eq!(shown(Some(44.9), Show::Number), "44.9");
        assert_eq!(shown(Some(0.004), Show::Percent), "0.40 %");
        assert_eq!(shown(None, Show::Bytes), "–");
    }
}
