//! The buffers that replies are read into.
//!
//! A block is shared by the links' reading end and by every body that lies in it, and is free again when the last of
//! these bodies is sent. Blocks are kept and used again: giving 64 kB back to the allocator and taking it anew costs
//! more than reading into it (the allocator returns it to the system; then every page is a fault).

use bytes::BytesMut;

/// Bytes of a block. Replies are 1 to 50 kB; a longer one gets a block of its own, which is not kept.
pub const BLOCK: usize = 64 * 1024;
/// Blocks kept for later, whether bodies still lie in them or not.
const KEPT: usize = 16;

/// Blocks that no link reads into now.
#[derive(Debug, Default)]
pub struct Blocks {
    spare: Vec<BytesMut>,
}

impl Blocks {
    /// An empty buffer with room for at least `room` bytes. Only one of no more than [`BLOCK`] is to be given back.
    pub fn take(&mut self, room: usize) -> BytesMut {
        if room > BLOCK {
            return BytesMut::with_capacity(room);
        }
        let free = self.spare.iter_mut().position(|block| block.try_reclaim(BLOCK));
        free.map_or_else(|| BytesMut::with_capacity(BLOCK), |at| self.spare.remove(at))
    }

    /// Takes a buffer back whose bytes nobody needs any more, but for the bodies that were split off.
    pub fn give(&mut self, mut block: BytesMut) {
        if self.spare.len() < KEPT {
            block.clear();
            self.spare.push(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_used_again_once_its_bodies_are_gone() {
        let mut blocks = Blocks::default();
        let mut block = blocks.take(0);
        let place = block.as_ptr();
        block.extend_from_slice(b"body");
        let body = block.split_to(4).freeze();
        blocks.give(block);
        let other = blocks.take(0);
        assert_ne!(other.as_ptr(), place, "the body is still there");
        assert_eq!(&*body, b"body");
        drop(body);
        assert_eq!(blocks.take(0).as_ptr(), place);
    }

    #[test]
    fn a_longer_reply_gets_room_and_few_blocks_are_kept() {
        let mut blocks = Blocks::default();
        let long = blocks.take(3 * BLOCK);
        assert!(long.capacity() >= 3 * BLOCK);
        for _ in 0..3 * KEPT {
            blocks.give(BytesMut::with_capacity(BLOCK));
        }
        assert_eq!(blocks.spare.len(), KEPT);
    }
}
