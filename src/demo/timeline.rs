//! A small picture, in characters, of who worked when.

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// Who did it.
    pub(super) worker: u32,
    /// What stands in it.
    pub(super) label: char,
    pub(super) started_ns: u64,
    pub(super) finished_ns: u64,
}

/// Characters across.
const WIDTH: u64 = 56;

/// A line for each worker, and one with the time.
pub(super) fn draw(bars: &[Bar]) -> Vec<String> {
    let Some(begin) = bars.iter().map(|bar| bar.started_ns).min() else { return Vec::new() };
    let end = bars.iter().map(|bar| bar.finished_ns).max().unwrap_or(begin);
    let span = (end - begin).max(1);
    let column = |ns: u64| usize::try_from((ns - begin) * WIDTH / span).unwrap_or(0);
    let mut workers: Vec<u32> = bars.iter().map(|bar| bar.worker).collect();
    workers.sort_unstable();
    workers.dedup();
    let line = |worker: &u32| {
        let mut line = vec!['.'; usize::try_from(WIDTH).unwrap_or(0)];
        for bar in bars.iter().filter(|bar| bar.worker == *worker) {
            let (from, to) = (column(bar.started_ns), column(bar.finished_ns));
            let from = from.min(line.len() - 1);
            let to = to.clamp(from + 1, line.len());
            line[from..to].fill(bar.label);
        }
        format!("  worker {worker:>2} |{}|", line.into_iter().collect::<String>())
    };
    let mut lines: Vec<String> = workers.iter().map(line).collect();
    let milliseconds = format!("{:.1} ms", span as f64 / 1e6);
    let width = usize::try_from(WIDTH).unwrap_or(0);
    lines.push(format!("            0{milliseconds:>width$}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_stands_where_it_was_done() {
        let bar =
            |worker, label, started_ns, finished_ns| Bar { worker, label, started_ns, finished_ns };
        let lines = draw(&[bar(0, 'a', 0, 28), bar(1, 'b', 14, 56), bar(0, 'c', 42, 56)]);
        let dots = |n| ".".repeat(n);
        assert_eq!(
            lines[0],
            format!("  worker  0 |{}{}{}|", "a".repeat(28), dots(14), "c".repeat(14))
        );
        assert_eq!(lines[1], format!("  worker  1 |{}{}|", dots(14), "b".repeat(42)));
        assert_eq!(lines.len(), 3);
        assert!(draw(&[]).is_empty());
        assert_eq!(draw(&[bar(3, 'x', 5, 5)]).len(), 2, "no time at all is drawn too");
    }
}
