//! From an address to its client class: building the range tables and searching them.
//!
//! Country overrides, GeoIP, routing table and netblocks are prefixes that nest and overlap. At build time each is
//! flattened into disjoint ranges, the four are laid over each other, and every combination that occurs becomes one
//! class. A request then needs one search. IPv4: the upper 16 bits lead to a block, the lower 16 are searched in it.
//! IPv6: the upper 64 bits are searched by way of a sample that stays in the processor's cache; where classes differ
//! inside one such /64 block, the lower 64 bits are searched in a table of their own.

use super::schema::{ArchivedClassNumbers, ArchivedRangesV4, ArchivedRangesV6, SAMPLE};
#[cfg(feature = "write")]
use {
    super::schema::{ClassNumbers, ClassRow, NO_COUNTRY, NONE, RangesV4, RangesV6},
    indexmap::IndexSet,
    ipnetwork::IpNetwork,
    std::net::IpAddr,
};

/// An address range without host bits, as first and last address of its family.
#[cfg(feature = "write")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: u128,
    last: u128,
}

#[cfg(feature = "write")]
impl Span {
    fn of(prefix: IpNetwork) -> Span {
        let (first, bits) = match prefix.network() {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let host_bits = bits - u32::from(prefix.prefix());
        let last = if host_bits == 128 { u128::MAX } else { first | ((1 << host_bits) - 1) };
        Span { first, last }
    }
}

/// One kind of facts about the addresses of one family: from each start on, this value, until the next start.
#[cfg(feature = "write")]
type Layer<T> = Vec<(u128, T)>;

/// Flattens prefixes with values into disjoint ranges: the longest prefix counts, of equal ones the last.
///
#[cfg(feature = "write")]
fn flatten<T: Copy + Default + PartialEq>(prefixes: &mut [(IpNetwork, T)], v4: bool) -> Layer<T> {
    let mut layer: Layer<T> = vec![(0, T::default())];
    let mut put = |at: u128, value: T| match layer.last_mut() {
        Some(last) if last.0 == at => last.1 = value,
        Some(last) if last.1 == value => {}
        _ => layer.push((at, value)),
    };
    // Stable: equal prefixes stay in the order given, so that the last one is put last.
    prefixes.sort_by_key(|(prefix, _)| (prefix.network(), prefix.prefix()));
    let mut open: Vec<(Span, T)> = Vec::new();
    for &(prefix, value) in prefixes.iter().filter(|(prefix, _)| prefix.is_ipv4() == v4) {
        let span = Span::of(prefix);
        close(&mut open, Some(span.first), &mut put);
        put(span.first, value);
        open.push((span, value));
    }
    close(&mut open, None, &mut put);
    // `put` may have replaced a value by that of the range before.
    layer.dedup_by_key(|range| range.1);
    layer
}

/// Ends the open prefixes that end before `until`; after each, its surroundings count again.
#[cfg(feature = "write")]
fn close<T: Copy + Default>(open: &mut Vec<(Span, T)>, until: Option<u128>, put: &mut impl FnMut(u128, T)) {
    while let Some(&(span, _)) = open.last() {
        if until.is_some_and(|until| span.last >= until) {
            return;
        }
        open.pop();
        if let Some(next) = span.last.checked_add(1) {
            put(next, open.last().map(|outer| outer.1).unwrap_or_default());
        }
    }
}

/// What the classes are made of. Values are numbers of the cache's tables, `None` where a range has nothing.
#[cfg(feature = "write")]
pub(super) struct Layers {
    /// Countries by GeoIP.
    pub geoip: Vec<(IpNetwork, Option<u16>)>,
    /// Countries by the operators' corrections, which win.
    pub overrides: Vec<(IpNetwork, Option<u16>)>,
    /// Autonomous systems; `None` for those that no host serves, which still hide the shorter prefixes around them.
    pub routes: Vec<(IpNetwork, Option<u32>)>,
    /// Netblocks.
    pub netblocks: Vec<(IpNetwork, Option<u32>)>,
}

#[cfg(feature = "write")]
impl Layers {
    /// All ranges of a family with their class; neighbours differ. Classes are numbered as they are met.
    fn overlay(&mut self, v4: bool, classes: &mut IndexSet<ClassRow>) -> Vec<(u128, u32)> {
        let geoip = flatten(&mut self.geoip, v4);
        let overrides = flatten(&mut self.overrides, v4);
        let routes = flatten(&mut self.routes, v4);
        let netblocks = flatten(&mut self.netblocks, v4);
        let mut starts: Vec<u128> = Vec::with_capacity(geoip.len() + routes.len());
        starts.extend(geoip.iter().map(|range| range.0));
        starts.extend(overrides.iter().map(|range| range.0));
        starts.extend(routes.iter().map(|range| range.0));
        starts.extend(netblocks.iter().map(|range| range.0));
        starts.sort_unstable();
        starts.dedup();
        let (mut geoip, mut overrides) = (Cursor::new(&geoip), Cursor::new(&overrides));
        let (mut routes, mut netblocks) = (Cursor::new(&routes), Cursor::new(&netblocks));
        let mut ranges: Vec<(u128, u32)> = Vec::new();
        for start in starts {
            let (corrected, by_geoip) = (overrides.at(start), geoip.at(start));
            let class = ClassRow {
                country: corrected.or(by_geoip).unwrap_or(NO_COUNTRY),
                asn: routes.at(start).unwrap_or(NONE),
                netblock: netblocks.at(start).unwrap_or(NONE),
                flags: u16::from(corrected.is_some()),
            };
            let class = classes.insert_full(class).0 as u32;
            if ranges.last().is_none_or(|last| last.1 != class) {
                ranges.push((start, class));
            }
        }
        ranges
    }

    /// The tables of both families and the classes that they name.
    pub fn compile(mut self) -> (RangesV4, RangesV6, Vec<ClassRow>) {
        let mut classes = IndexSet::new();
        classes.insert(ClassRow { asn: NONE, netblock: NONE, country: NO_COUNTRY, flags: 0 });
        let v4 = self.overlay(true, &mut classes);
        let v6 = self.overlay(false, &mut classes);
        let deep = classes.len() as u32;
        (RangesV4::build(&v4), RangesV6::build(&v6, deep), classes.into_iter().collect())
    }
}

/// Walks a layer forwards.
#[cfg(feature = "write")]
struct Cursor<'a, T> {
    layer: &'a [(u128, T)],
    next: usize,
}

#[cfg(feature = "write")]
impl<'a, T: Copy> Cursor<'a, T> {
    fn new(layer: &'a Layer<T>) -> Self {
        Cursor { layer, next: 0 }
    }

    /// The value at an address not below the one asked for last.
    fn at(&mut self, address: u128) -> T {
        while self.layer.get(self.next).is_some_and(|range| range.0 <= address) {
            self.next += 1;
        }
        // A layer begins at address 0, so there is a range at or below every address.
        self.layer[self.next - 1].1
    }
}

#[cfg(feature = "write")]
impl ClassNumbers {
    fn build(numbers: &[u32]) -> ClassNumbers {
        let high: Vec<u8> = numbers.iter().map(|number| (number >> 16) as u8).collect();
        let narrow = high.iter().all(|byte| *byte == 0);
        ClassNumbers {
            low: numbers.iter().map(|number| *number as u16).collect(),
            high: if narrow { Vec::new() } else { high },
        }
    }
}

impl ArchivedClassNumbers {
    /// The number at a position; 0 beyond the end.
    pub(super) fn get(&self, at: usize) -> u32 {
        let low = self.low.get(at).map_or(0, |low| u32::from(low.to_native()));
        low | self.high.get(at).map_or(0, |high| u32::from(*high) << 16)
    }
}

#[cfg(feature = "write")]
impl RangesV4 {
    fn build(ranges: &[(u128, u32)]) -> RangesV4 {
        let mut table = RangesV4::default();
        let mut numbers = Vec::with_capacity(ranges.len() + 65_536);
        let mut next = 0;
        let mut class = 0;
        for block in 0..65_536u128 {
            table.block.push(table.start.len() as u32);
            let first = block << 16;
            if ranges.get(next).is_none_or(|range| range.0 != first) {
                table.start.push(0);
                numbers.push(class);
            }
            while let Some(&(start, number)) = ranges.get(next)
                && start >> 16 == block
            {
                table.start.push(start as u16);
                numbers.push(number);
                class = number;
                next += 1;
            }
        }
        table.block.push(table.start.len() as u32);
        table.class = ClassNumbers::build(&numbers);
        table
    }
}

impl ArchivedRangesV4 {
    /// The class of an address; 0 when the table is empty.
    pub(super) fn find(&self, address: u32) -> u32 {
        let block = (address >> 16) as usize;
        let (Some(from), Some(to)) = (self.block.get(block), self.block.get(block + 1)) else { return 0 };
        let (from, to) = (from.to_native() as usize, to.to_native() as usize);
        let Some(starts) = self.start.get(from..to) else { return 0 };
        let low = address as u16;
        let behind = starts.partition_point(|start| start.to_native() <= low);
        self.class.get(from + behind.saturating_sub(1))
    }
}

#[cfg(feature = "write")]
impl RangesV6 {
    fn build(ranges: &[(u128, u32)], deep: u32) -> RangesV6 {
        let mut table = RangesV6::default();
        let (mut numbers, mut deep_numbers) = (Vec::with_capacity(ranges.len()), Vec::new());
        let mut push = |table: &mut RangesV6, start: u64, number: u32| {
            if numbers.last() != Some(&number) || number == deep {
                table.start.push(start);
                numbers.push(number);
            }
        };
        let mut before = 0;
        let mut rest = ranges;
        while let Some(&(start, number)) = rest.first() {
            let block = (start >> 64) as u64;
            let count = rest.partition_point(|range| (range.0 >> 64) as u64 <= block);
            let (inside, after) = rest.split_at(count);
            if count == 1 && start as u64 == 0 {
                push(&mut table, block, number);
            } else {
                // Classes differ inside this /64.
                table.deep_block.push(block);
                table.deep_index.push(table.deep_start.len() as u32);
                if start as u64 != 0 {
                    table.deep_start.push(0);
                    deep_numbers.push(before);
                }
                for &(start, number) in inside {
                    table.deep_start.push(start as u64);
                    deep_numbers.push(number);
                }
                push(&mut table, block, deep);
                let last = inside[count - 1].1;
                if let Some(next) = block.checked_add(1)
                    && after.first().is_none_or(|range| (range.0 >> 64) as u64 != next || range.0 as u64 != 0)
                {
                    push(&mut table, next, last);
                }
            }
            before = inside[count - 1].1;
            rest = after;
        }
        table.deep_index.push(table.deep_start.len() as u32);
        // A block that goes deep directly behind another one was first given the class in between; that is replaced.
        let mut kept: Vec<(u64, u32)> = Vec::with_capacity(numbers.len());
        for (&start, &number) in table.start.iter().zip(&numbers) {
            match kept.last_mut() {
                Some(last) if last.0 == start => last.1 = number,
                _ => kept.push((start, number)),
            }
        }
        table.start = kept.iter().map(|range| range.0).collect();
        table.class = ClassNumbers::build(&kept.iter().map(|range| range.1).collect::<Vec<_>>());
        table.deep_class = ClassNumbers::build(&deep_numbers);
        table.sample = table.start.iter().copied().step_by(SAMPLE).collect();
        table
    }
}

impl ArchivedRangesV6 {
    /// The class of an address; 0 when the table is empty. `deep` is the number that leads to the finer table.
    pub(super) fn find(&self, address: u128, deep: u32) -> u32 {
        let high = (address >> 64) as u64;
        let sample = self.sample.partition_point(|start| start.to_native() <= high).saturating_sub(1);
        let from = (sample * SAMPLE).min(self.start.len());
        let to = (from + SAMPLE).min(self.start.len());
        let behind = self.start[from..to].partition_point(|start| start.to_native() <= high);
        let class = self.class.get((from + behind).saturating_sub(1));
        if class != deep { class } else { self.find_deep(high, address as u64) }
    }

    fn find_deep(&self, high: u64, low: u64) -> u32 {
        let Ok(block) = self.deep_block.binary_search_by(|block| block.to_native().cmp(&high)) else {
            return 0;
        };
        let (Some(from), Some(to)) = (self.deep_index.get(block), self.deep_index.get(block + 1)) else {
            return 0;
        };
        let (from, to) = (from.to_native() as usize, to.to_native() as usize);
        let Some(starts) = self.deep_start.get(from..to) else { return 0 };
        let behind = starts.partition_point(|start| start.to_native() <= low);
        self.deep_class.get(from + behind.saturating_sub(1))
    }
}
