//! The search tree of a MaxMind DB: which networks it leads to, and how many these are.
//!
//! Branches may share a part, as those that show IPv4 again do, and ends may share a record. In a damaged or a malicious
//! file branches may share so much that a walk along all of them would not end in a lifetime, so their number is found
//! first, without walking to every one. Source: MaxMind DB format 2.0, "Binary Search Tree Section".

/// A tree, borrowed from the file.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    bytes: &'a [u8],
    nodes: usize,
    /// Bytes of a node.
    size: usize,
    is_v4: bool,
}

/// An end of the tree that leads to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// The first address of the network, from the top bit on; of IPv4 in the upper 32 bits when the tree is of IPv4.
    pub first: u128,
    /// How many bits of it count.
    pub length: u8,
    /// What the tree calls the record: equal for networks that share it.
    pub record: usize,
}

impl<'a> Tree<'a> {
    /// The tree at the beginning of a file; `None` when its nodes are not all there, or of no known width.
    pub fn new(bytes: &'a [u8], nodes: usize, record_bits: u16, is_v4: bool) -> Option<Tree<'a>> {
        let size = usize::from(record_bits) / 4;
        let bytes = bytes.get(..nodes.checked_mul(size)?)?;
        let tree = Tree { bytes, nodes, size, is_v4 };
        (matches!(record_bits, 24 | 28 | 32) && nodes > 0).then_some(tree)
    }

    /// Whether it is a tree of IPv4 addresses alone.
    pub fn is_v4(&self) -> bool {
        self.is_v4
    }

    /// What the two records of a node lead to: a node, or from the number of nodes on an end.
    fn children(&self, node: usize) -> [usize; 2] {
        let number = |high: u8, [a, b, c]: [u8; 3]| u32::from_be_bytes([high, a, b, c]) as usize;
        match self.bytes[node * self.size..][..self.size] {
            [a, b, c, d, e, f] => [number(0, [a, b, c]), number(0, [d, e, f])],
            [a, b, c, highs, d, e, f] => [number(highs >> 4, [a, b, c]), number(highs & 15, [d, e, f])],
            [a, b, c, d, e, f, g, h] => [number(a, [b, c, d]), number(e, [f, g, h])],
            _ => [self.nodes; 2],
        }
    }

    /// Paths from the root to where the tree ends.
    ///
    /// `None` when a branch leads back to itself. Cost: looks at each node a few times.
    pub fn paths(&self) -> Option<u64> {
        // By node: 0 as long as it is not known.
        let mut known = vec![0_u64; self.nodes];
        let mut open = vec![false; self.nodes];
        let mut way = vec![0];
        while let Some(&node) = way.last() {
            open[node] = true;
            let [left, right] = self.children(node);
            match [left, right].into_iter().find(|child| known.get(*child) == Some(&0)) {
                Some(child) if open[child] => return None,
                Some(child) => way.push(child),
                None => {
                    let below = |child| known.get(child).copied().unwrap_or(1);
                    known[node] = below(left).saturating_add(below(right));
                    way.pop();
                }
            }
        }
        known.first().copied()
    }

    /// The networks that have a record, ascending. `aliases` are left out where they lead into the tree of IPv4.
    ///
    /// Branches that go on below the last bit of an address lead to nothing that can be asked for. Cost: proportional
    /// to [`Tree::paths`].
    pub fn networks(&self, aliases: &'a [(u128, u8)]) -> impl Iterator<Item = Within> + 'a {
        let tree = *self;
        let width = if tree.is_v4 { 32 } else { 128 };
        let v4 = if tree.is_v4 { None } else { tree.v4_root() };
        let mut open = vec![Within { first: 0, length: 0, record: 0 }];
        std::iter::from_fn(move || {
            while let Some(Within { first, length, record }) = open.pop() {
                if record >= tree.nodes {
                    if record > tree.nodes {
                        return Some(Within { first, length, record });
                    }
                    continue;
                }
                let is_alias = v4 == Some(record) && aliases.contains(&(first, length));
                if length < width && !is_alias {
                    let [left, right] = tree.children(record);
                    let length = length + 1;
                    open.push(Within {
                        first: first | 1 << (128 - u32::from(length)),
                        length,
                        record: right,
                    });
                    open.push(Within { first, length, record: left });
                }
            }
            None
        })
    }

    /// The node of `::/96`, if it is one.
    fn v4_root(&self) -> Option<usize> {
        let mut node = 0;
        for _ in 0..96 {
            node = self.children(node)[0];
            if node >= self.nodes {
                return None;
            }
        }
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of 24-bit records.
    fn bytes(nodes: &[[u8; 2]]) -> Vec<u8> {
        nodes.iter().flat_map(|[left, right]| [0, 0, *left, 0, 0, *right]).collect()
    }

    fn paths(nodes: &[[u8; 2]]) -> Option<u64> {
        Tree::new(&bytes(nodes), nodes.len(), 24, false)?.paths()
    }

    #[test]
    fn shared_branches_count_as_often_as_they_are_met() {
        assert_eq!(paths(&[[1, 2], [3, 4], [3, 3]]), Some(4));
        let shared: Vec<[u8; 2]> = (1..=60).map(|next| [next, next]).collect();
        assert_eq!(paths(&shared), Some(1 << 60));
        let more: Vec<[u8; 2]> = (1..=200).map(|next| [next, next]).collect();
        assert_eq!(paths(&more), Some(u64::MAX));
    }

    #[test]
    fn circles_and_missing_nodes_are_told() {
        assert_eq!(paths(&[[1, 2], [0, 2]]), None);
        assert_eq!(paths(&[[1, 0]]), None);
        assert!(Tree::new(&bytes(&[[1, 1]]), 2, 24, false).is_none());
        assert!(Tree::new(b"", 0, 24, false).is_none());
        assert!(Tree::new(&[0; 6], 1, 20, false).is_none());
    }

    #[test]
    fn records_of_every_width_are_read() {
        let children = |bytes: &[u8], bits| Tree::new(bytes, 1, bits, false).unwrap().children(0);
        assert_eq!(children(&[0, 1, 2, 3, 4, 5], 24), [0x0102, 0x03_0405]);
        assert_eq!(children(&[0, 1, 2, 0xab, 3, 4, 5], 28), [0xa00_0102, 0xb03_0405]);
        assert_eq!(children(&[1, 2, 3, 4, 5, 6, 7, 8], 32), [0x0102_0304, 0x0506_0708]);
    }

    #[test]
    fn networks_are_what_the_tree_leads_to() {
        // 0/1 has record 20, 1.0/2 none (3 is the number of nodes), 1.1.0/3 record 21, 1.1.1/3 record 20 again.
        let file = bytes(&[[20, 1], [3, 2], [21, 20]]);
        let tree = Tree::new(&file, 3, 24, true).unwrap();
        let found: Vec<_> =
            tree.networks(&[]).map(|found| (found.first >> 120, found.length, found.record)).collect();
        assert_eq!(found, [(0, 1, 20), (0b1100_0000, 3, 21), (0b1110_0000, 3, 20)]);
    }

    #[test]
    fn a_branch_longer_than_an_address_ends() {
        let chain: Vec<[u8; 2]> = (1..=40).map(|next| [next, 41]).collect();
        let tree_bytes = bytes(&chain);
        let tree = Tree::new(&tree_bytes, 40, 24, true).unwrap();
        assert_eq!(tree.networks(&[]).map(|found| found.length).max(), Some(32));
    }
}
