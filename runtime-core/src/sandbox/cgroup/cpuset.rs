//! Processors and memory nodes: cpuset(7), "FORMATS", the list format.

use std::fs;
use std::path::Path;

use super::refusal::Refusal;

/// `0-3,8`: ids, each once, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct IdList(Vec<u32>);

/// More than any kernel has of either (NR_CPUS is 8192 at most), so that a list stays small.
const MAX_ID: u32 = 65_535;

impl IdList {
    /// `None` for what is no list, or an empty one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut ids = Vec::new();
        for part in text.trim().split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last || last > MAX_ID {
                return None;
            }
            ids.extend(first..=last);
        }
        ids.sort_unstable();
        ids.dedup();
        Some(Self(ids))
    }

    /// What is in this list and not in the other.
    fn without(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .copied()
                .filter(|id| !other.0.contains(id))
                .collect(),
        )
    }
}

impl std::fmt::Display for IdList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ranges = self.0.chunk_by(|id, next| id + 1 == *next).map(|range| {
            let (first, last) = (range[0], range[range.len() - 1]);
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        });
        f.write_str(&ranges.collect::<Vec<_>>().join(","))
    }
}

fn number(text: &str) -> Option<u32> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Writes the list after a look at what the parent has: v2 takes any list, and uses all processors when it has none of them.
pub fn limit(directory: &Path, file: &str, list: &IdList) -> Result<(), Refusal> {
    if let Some(allowed) = effective(directory.parent().unwrap_or(directory), file) {
        let missing = list.without(&allowed);
        if !missing.0.is_empty() {
            let message = format!("{file} {missing} cannot be had, there is {allowed}");
            return Err(Refusal::new(message, format!("choose from {allowed}")));
        }
    }
    Refusal::set(directory, file, list)
}

/// v1: a cpuset takes no process before it has processors and nodes. Gives it those of its parent.
pub fn inherit(directory: &Path) -> std::io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let own = fs::read_to_string(directory.join(file))?;
        if own.trim().is_empty() {
            let parent = directory.parent().unwrap_or(directory);
            fs::write(directory.join(file), fs::read_to_string(parent.join(file))?)?;
        }
    }
    Ok(())
}

/// What a directory's processes get: `cpuset.cpus.effective` on v2, `cpuset.effective_cpus` on v1.
fn effective(directory: &Path, file: &str) -> Option<IdList> {
    let v1 = file.replace("cpuset.", "cpuset.effective_");
    [format!("{file}.effective"), v1, file.to_owned()]
        .iter()
        .find_map(|name| IdList::parse(&fs::read_to_string(directory.join(name)).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_ids_and_ranges() {
        for (text, read) in [
            ("0", Some("0")),
            ("0-2", Some("0-2")),
            ("2,0,1", Some("0-2")),
            ("3,0-1,1", Some("0-1,3")),
            ("0,2,4-5", Some("0,2,4-5")),
            ("0-1\n", Some("0-1")),
            ("", None),
            ("1-0", None),
            ("a", None),
            ("0,", None),
            ("-1", None),
            ("+1", None),
            ("0-4000000000", None),
        ] {
            assert_eq!(
                IdList::parse(text).map(|list| list.to_string()).as_deref(),
                read,
                "{text}"
            );
        }
    }
}
