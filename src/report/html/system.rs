//! The machine in words.

use crate::bench::Machine;

/// Names and values, without what is not known.
pub(super) fn facts(machine: &Machine) -> Vec<(&'static str, String)> {
    let Machine {
        system,
        kernel,
        host,
        architecture,
        processor,
        logical_cores,
        physical_cores,
        affinity,
        quota,
        available,
        memory,
        memory_available,
        memory_limit,
        version,
        compiler,
        profile,
        protocol,
    } = machine;
    let physical = physical_cores.map(|cores| format!(" ({cores} physical)")).unwrap_or_default();
    let limit = |bytes: &u64| format!("{} for this control group", mebibytes(*bytes));
    let facts = [
        ("Processor", processor.clone()),
        ("Architecture", architecture.clone()),
        ("Cores", format!("{logical_cores}{physical}")),
        ("Cores this process may use", ranges(affinity)),
        ("Processor time", quota.map(|cores| format!("{cores} cores’ worth")).unwrap_or_default()),
        ("Automatic workers", available.to_string()),
        ("Memory", mebibytes(*memory)),
        ("Memory available", mebibytes(*memory_available)),
        ("Memory limit", memory_limit.as_ref().map(limit).unwrap_or_default()),
        ("System", system.clone()),
        ("Kernel", kernel.clone()),
        ("Host", host.clone()),
        ("parzen", format!("{version} ({profile}), protocol {protocol}")),
        ("Compiler", compiler.clone()),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// `0-3, 8` for 0, 1, 2, 3 and 8.
fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            Some(_) | None => ranges.push((number, number)),
        }
    }
    let text = |&(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}–{last}") }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_numbers_are_ranges() {
        for (numbers, expected) in
            [(&[][..], ""), (&[3], "3"), (&[0, 1, 2, 5], "0–2, 5"), (&[4, 2, 3], "4, 2–3")]
        {
            assert_eq!(ranges(numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let facts = facts(&Machine { processor: "x".to_owned(), ..Machine::default() });
        let names: Vec<&str> = facts.iter().map(|(name, _)| *name).collect();
        assert!(names.contains(&"Processor") && !names.contains(&"Memory limit"), "{names:?}");
    }
}
