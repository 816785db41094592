//! Spans of time in seconds.

/// A minute.
pub const MINUTE: u64 = 60;
/// An hour.
pub const HOUR: u64 = 60 * MINUTE;
/// A day.
pub const DAY: u64 = 24 * HOUR;
