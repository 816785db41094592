//! Who carries a directory: sets of hosts as bits over the roster of all that carry directories of its kind.
//!
//! Equal positions of two sets of a roster are the same host, so that sets meet word by word.

use super::{CountryId, PlacementId, SetId, View, part};
use crate::{
    limits::{MOST_EXTRAS, MOST_HOSTS},
    schema::{ArchivedExtraRow, ArchivedGroupRow, ArchivedRosterRow, PUBLIC, stride},
};
use rkyv::rend::u32_le;
use std::ops::Range;

/// A host that carries a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The host and its URLs.
    pub placement: PlacementId,
    /// Whether it is in the directory's `Global`.
    pub public: bool,
}

impl<'a> View<'a> {
    /// A set of hosts. Cost: a binary search among the few rosters.
    pub fn set(&self, set: SetId) -> Set<'a> {
        let schema = self.schema;
        // The row that ends the last roster is not one.
        let behind = schema.rosters.partition_point(|row| row.sets.to_native() <= set.0);
        let (Some(at), Some(next)) = (behind.checked_sub(1), schema.rosters.get(behind)) else {
            return Set::default();
        };
        let row = &schema.rosters[at];
        let number = set.0.saturating_sub(row.sets.to_native()) as usize;
        let range = |start: fn(&ArchivedRosterRow) -> u32_le| {
            start(row).to_native() as usize..start(next).to_native() as usize
        };
        let members = part(&schema.members, range(|row| row.members), MOST_HOSTS);
        let stride = stride(members.len());
        let bits = row.bits.to_native() as usize + number * stride;
        Set {
            members,
            groups: part(&schema.groups, range(|row| row.groups), self.country_count()),
            extras: part(&schema.extras, range(|row| row.extras), MOST_EXTRAS),
            bits: schema.bits.get(bits..bits.saturating_add(stride)).unwrap_or_default(),
        }
    }

    /// How many sets there are; they are numbered from 0.
    pub fn set_count(&self) -> usize {
        self.schema.rosters.last().map_or(0, |end| end.sets.to_native() as usize)
    }
}

/// The hosts that carry a directory.
///
/// Members are known by their position in the roster of all hosts that carry directories of its kind: the same host
/// with the same URLs has the same one in all sets of a roster. Positions ascend by country.
#[derive(Clone, Copy, Default)]
pub struct Set<'a> {
    members: &'a [u32_le],
    groups: &'a [ArchivedGroupRow],
    extras: &'a [ArchivedExtraRow],
    bits: &'a [u32_le],
}

impl<'a> Set<'a> {
    /// How many hosts there are. Cost: counts them.
    pub fn len(&self) -> usize {
        self.positions(0..self.members.len()).count()
    }

    /// Whether nobody carries it.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| word.to_native() == 0)
    }

    /// One more than the highest position that a member may have; at most [`MOST_HOSTS`].
    pub fn width(&self) -> usize {
        self.members.len()
    }

    /// Whether every member is known to be one of `other`: false, too, where the rosters differ.
    pub fn is_within(&self, other: &Set<'_>) -> bool {
        self.is_of_roster(other)
            && self.bits.len() <= other.bits.len()
            && self.bits.iter().zip(other.bits).all(|(own, more)| own.to_native() & !more.to_native() == 0)
    }

    /// Whether positions mean the same here and there.
    pub fn is_of_roster(&self, other: &Set<'_>) -> bool {
        std::ptr::eq(self.members, other.members)
    }

    /// The bits of its members, the first position's the lowest of the first word.
    pub fn words(&self) -> impl Iterator<Item = u32> + 'a {
        self.bits.iter().map(|word| word.to_native())
    }

    /// Whether the host at this position is a member.
    #[inline]
    pub fn contains(&self, position: usize) -> bool {
        self.bits.get(position / 32).is_some_and(|word| word.to_native() >> (position % 32) & 1 != 0)
    }

    /// The host at a position, which is one of its members if a look-up of this set has told it.
    #[inline]
    pub fn get(&self, position: usize) -> Option<Member> {
        self.members.get(position).map(|member| {
            let member = member.to_native();
            Member { placement: PlacementId(member & !PUBLIC), public: member & PUBLIC != 0 }
        })
    }

    /// All members and their positions, ascending.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (usize, Member)> + 'a {
        let set = *self;
        self.positions(0..self.members.len()).filter_map(move |at| set.get(at).map(|member| (at, member)))
    }

    /// The countries that members may stand for, ascending by code, each with the range of positions in which those
    /// members are whose first country it is; see [`Set::positions`]. Members with further countries: see
    /// [`Set::extras`].
    #[inline]
    pub fn countries(&self) -> impl Iterator<Item = (CountryId, Range<usize>)> + 'a {
        let limit = self.members.len();
        self.groups.iter().scan(0, move |start, group| {
            let from = *start;
            *start = (from + usize::from(group.len.to_native())).min(limit);
            Some((CountryId(group.country.to_native()), from..*start))
        })
    }

    /// The range of positions of [`Set::countries`] for one of them. Cost: a binary search, and a sum over those before it.
    pub fn country(&self, country: CountryId) -> Range<usize> {
        let Ok(at) = self.groups.binary_search_by(|group| group.country.to_native().cmp(&country.0)) else {
            return 0..0;
        };
        let len = |group: &ArchivedGroupRow| usize::from(group.len.to_native());
        let start: usize = self.groups[..at].iter().map(len).sum();
        let limit = self.members.len();
        start.min(limit)..(start + len(&self.groups[at])).min(limit)
    }

    /// Further countries of members: country and position, ascending.
    #[inline]
    pub fn extras(&self) -> impl Iterator<Item = (CountryId, usize)> + 'a {
        let set = *self;
        let extras = self
            .extras
            .iter()
            .map(|extra| (CountryId(extra.country.to_native()), usize::from(extra.member.to_native())));
        extras.filter(move |(_, position)| set.contains(*position))
    }

    /// The positions of the members that are in a range of them.
    #[inline]
    pub fn positions(&self, range: Range<usize>) -> Positions<'a> {
        let word = range.start / 32;
        let first = self.bits.get(word).map_or(0, |bits| bits.to_native());
        Positions { bits: self.bits, word, left: first & (u32::MAX << (range.start % 32)), end: range.end }
    }
}

/// The positions of some members of a set, ascending.
#[derive(Clone)]
pub struct Positions<'a> {
    bits: &'a [u32_le],
    word: usize,
    /// Bits of this word that are still to come.
    left: u32,
    end: usize,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.word += 1;
            if self.word * 32 >= self.end {
                return None;
            }
            self.left = self.bits.get(self.word)?.to_native();
        }
        let position = self.word * 32 + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        (position < self.end).then_some(position)
    }
}
