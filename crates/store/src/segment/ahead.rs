//! Reading ahead: what many questions will touch is asked of the disk at once.
//!
//! A page that was never touched is a wait of its own, and a frontier of ten thousand accounts touches
//! as many. So before a phase its places are gathered, and those this process never read are asked for
//! together. Where all were read before, that costs a look at a bitmap.

use std::ops::Range;

use model::Direction;

use super::bytes::{Checked, Part};
use super::layout::SectionId;
use super::packed::{GROUP, Groups};
use super::{Segment, names};

/// Places so close are asked for as one.
const NEAR: usize = 32 * 1024;

/// Each says whether there was anything to ask for. Hints only: what cannot be found is left out.
impl Segment {
    /// To look up addresses by their bytes.
    pub fn ahead_names(&self, many: &[&[u8]]) -> bool {
        let whole = [SectionId::AddressFilter, SectionId::AddressRadix].map(|id| {
            let Part { start, len } = self.sections[id as usize].part;
            start..start + len
        });
        // Small beside the addresses themselves, and touched all over.
        let is_cold = self.ask(whole.to_vec());
        let places = many.iter().filter_map(|bytes| {
            self.addresses.place_of_key(&self.region, names::key(bytes)).ok().flatten()
        });
        self.ask(places.collect()) || is_cold
    }

    /// To read addresses by their numbers.
    pub fn ahead_addresses(&self, numbers: &[u32]) -> bool {
        let places = numbers.iter().filter_map(|number| self.addresses.place_of(*number));
        self.ask(places.collect())
    }

    /// To learn where the postings of these addresses are.
    pub fn ahead_ends(&self, direction: Direction, addresses: &[u32]) -> bool {
        let ends = &self.directed(direction).ends;
        self.ask_groups(ends, addresses.iter().map(|number| u64::from(*number)))
    }

    /// To read these postings.
    pub fn ahead_postings(&self, direction: Direction, ranges: &[Range<u64>]) -> bool {
        let postings = &self.directed(direction).postings;
        let ends = ranges.iter().flat_map(|range| [range.start, range.end.saturating_sub(1)]);
        self.ask_groups(postings, ends)
    }

    pub fn ahead_rows(&self, rows: &[u32]) -> bool {
        self.ask_groups(&self.rows.groups, rows.iter().map(|row| u64::from(*row)))
    }

    pub fn ahead_entries(&self, entries: &[u32]) -> bool {
        let hashes = self.sections[SectionId::Hashes as usize].part;
        let width = hashes.len.checked_div(self.head.entries as usize).unwrap_or(0);
        let places = entries.iter().map(|entry| {
            let start = hashes.start + *entry as usize * width;
            start..start + width
        });
        let is_cold = self.ask(places.collect());
        let numbers = entries.iter().map(|entry| u64::from(*entry));
        self.ask_groups(&self.entries.groups, numbers) || is_cold
    }

    /// Tells the system that these rows are read soon: one wait for a cold disk, not one each.
    pub fn will_need(&self, rows: &[u32]) {
        let mut last = usize::MAX;
        for row in rows {
            let group = *row as usize / GROUP;
            if group != last
                && *row < self.head.rows
                && let Ok(span) = self.rows.groups.span(&self.region, group)
            {
                self.region.will_need(span);
            }
            last = group;
        }
    }

    fn ask_groups(&self, groups: &Groups, rows: impl Iterator<Item = u64>) -> bool {
        let mut numbers: Vec<u64> = rows.map(|row| row / GROUP as u64).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let place = |number: &u64| -> Checked<Range<usize>> {
            groups.place_of(&self.region, usize::try_from(*number).unwrap_or(usize::MAX))
        };
        self.ask(numbers.iter().filter_map(|number| place(number).ok()).collect())
    }

    fn ask(&self, mut places: Vec<Range<usize>>) -> bool {
        places.retain(|place| !self.region.is_checked(place));
        places.sort_unstable_by_key(|place| place.start);
        let mut is_cold = false;
        let mut open: Option<Range<usize>> = None;
        for place in places {
            is_cold = true;
            match &mut open {
                Some(open) if place.start <= open.end + NEAR => open.end = open.end.max(place.end),
                _ => {
                    if let Some(done) = open.replace(place) {
                        self.region.will_need(done);
                    }
                }
            }
        }
        if let Some(done) = open {
            self.region.will_need(done);
        }
        is_cold
    }
}
