//! The frame: where one message ends and the next begins.
//!
//! It knows lengths and types, not what is inside; see `message` for that.

use std::fmt;

/// Version of the protocol; a peer that speaks another one is refused.
pub const VERSION: u16 = 1;
/// Bytes of a frame's header.
pub const HEADER_LEN: usize = 16;
/// Longest path and query of a request, together.
pub const MAX_URI: usize = 8 * 1024;
/// Longest payload of a frame towards the worker: with the longest URI, and with room for what later versions add.
pub const MAX_REQUEST: usize = MAX_URI + 256;
/// Longest payload of a frame towards the front end.
pub const MAX_REPLY: usize = 4 * 1024 * 1024;

/// What stands in front of every payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of payload that follow.
    pub length: u32,
    /// What the payload is; see [`super::Message`]. Unknown types are skipped.
    pub kind: u8,
    /// Reserved: sent as 0, not looked at.
    pub flags: u8,
    /// [`VERSION`] of the sender.
    pub version: u16,
    /// The request that a reply belongs to; 0 where there is none.
    pub id: u64,
}

/// A whole frame in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header.
    pub header: FrameHeader,
    /// Its payload.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Bytes that the frame takes in the stream, header included.
    pub fn wire_len(&self) -> usize {
        HEADER_LEN + self.payload.len()
    }
}

/// Why bytes are not a frame or a message of this protocol. The connection has lost its place and must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The peer speaks another version.
    Version {
        /// The version found in its frame.
        found: u16,
    },
    /// The payload is longer than this side takes.
    TooLong {
        /// The length announced.
        length: u32,
        /// The longest that is taken.
        limit: usize,
    },
    /// The payload ends within a fixed part or announces more than it holds.
    Truncated {
        /// The message that was cut.
        what: &'static str,
    },
    /// A field has a value that the protocol does not know.
    BadValue {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u32,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            WireError::Version { found } => {
                write!(f, "protocol version {found}, this build speaks {VERSION}")
            }
            WireError::TooLong { length, limit } => {
                write!(f, "frame of {length} bytes, the limit is {limit}")
            }
            WireError::Truncated { what } => write!(f, "{what} frame is cut short"),
            WireError::BadValue { field, value } => write!(f, "unknown {field} {value}"),
        }
    }
}

impl std::error::Error for WireError {}

impl FrameHeader {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4] = self.kind;
        bytes[5] = self.flags;
        bytes[6..8].copy_from_slice(&self.version.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.id.to_le_bytes());
        bytes
    }

    /// Reads a header; any bytes are one.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> FrameHeader {
        let [l0, l1, l2, l3, kind, flags, v0, v1, id @ ..] = *bytes;
        FrameHeader {
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            kind,
            flags,
            version: u16::from_le_bytes([v0, v1]),
            id: u64::from_le_bytes(id),
        }
    }
}

/// The first frame of `buffer`, `None` while it is not all there yet.
///
/// A frame of another version or with a payload above `limit` bytes is an error as soon as its header is there, so
/// that nobody waits for (or buffers) what would be refused.
pub fn next_frame(buffer: &[u8], limit: usize) -> Result<Option<Frame<'_>>, WireError> {
    let Some((head, rest)) = buffer.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let header = FrameHeader::decode(head);
    if header.version != VERSION {
        return Err(WireError::Version { found: header.version });
    }
    let length = header.length as usize;
    if length > limit {
        return Err(WireError::TooLong { length: header.length, limit });
    }
    Ok(rest.get(..length).map(|payload| Frame { header, payload }))
}

/// Appends the header of a frame whose payload will have this length.
pub(super) fn frame(out: &mut Vec<u8>, kind: u8, id: u64, length: usize) {
    out.reserve(HEADER_LEN + length);
    let header = FrameHeader { length: length as u32, kind, flags: 0, version: VERSION, id };
    out.extend_from_slice(&header.encode());
}
