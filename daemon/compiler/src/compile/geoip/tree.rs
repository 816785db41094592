//! How many networks the search tree of a MaxMind DB leads to, found without walking to every one of them.
//!
//! Branches may share a part, as those that show IPv4 again do. In a damaged or a malicious file they may share so much
//! that a walk along all of them would not end in a lifetime. Source: MaxMind DB format 2.0, "Binary Search Tree
//! Section".

/// Paths from the root to where the tree ends.
///
/// `None` when a branch leads back to itself, or the nodes are not all there. Cost: looks at each node a few times.
pub fn paths(bytes: &[u8], nodes: usize, record_bits: u16) -> Option<u64> {
    let size = usize::from(record_bits) / 4;
    let tree = bytes.get(..nodes.checked_mul(size)?)?;
    let children = |node: usize| children(&tree[node * size..][..size]);
    // By node: 0 as long as it is not known.
    let mut known = vec![0_u64; nodes];
    let mut open = vec![false; nodes];
    let mut way = Vec::from_iter((nodes > 0).then_some(0));
    while let Some(&node) = way.last() {
        open[node] = true;
        let [left, right] = children(node)?;
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

/// What the two records of a node lead to: a node, or from the number of nodes on an end.
fn children(node: &[u8]) -> Option<[usize; 2]> {
    let number = |high: u8, [a, b, c]: [u8; 3]| u32::from_be_bytes([high, a, b, c]) as usize;
    match *node {
        [a, b, c, d, e, f] => Some([number(0, [a, b, c]), number(0, [d, e, f])]),
        [a, b, c, highs, d, e, f] => Some([number(highs >> 4, [a, b, c]), number(highs & 15, [d, e, f])]),
        [a, b, c, d, e, f, g, h] => Some([number(a, [b, c, d]), number(e, [f, g, h])]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of 24-bit records.
    fn tree(nodes: &[[u8; 2]]) -> Vec<u8> {
        nodes.iter().flat_map(|[left, right]| [0, 0, *left, 0, 0, *right]).collect()
    }

    #[test]
    fn shared_branches_count_as_often_as_they_are_met() {
        assert_eq!(paths(&tree(&[[1, 2], [3, 4], [3, 3]]), 3, 24), Some(4));
        let shared: Vec<[u8; 2]> = (1..=60).map(|next| [next, next]).collect();
        assert_eq!(paths(&tree(&shared), 60, 24), Some(1 << 60));
        let more: Vec<[u8; 2]> = (1..=200).map(|next| [next, next]).collect();
        assert_eq!(paths(&tree(&more), 200, 24), Some(u64::MAX));
    }

    #[test]
    fn circles_and_missing_nodes_are_told() {
        assert_eq!(paths(&tree(&[[1, 2], [0, 2]]), 2, 24), None);
        assert_eq!(paths(&tree(&[[1, 0]]), 1, 24), None);
        assert_eq!(paths(&tree(&[[1, 1]]), 2, 24), None);
        assert_eq!(paths(b"", 0, 24), None);
        assert_eq!(paths(&[0; 6], 1, 20), None);
    }

    #[test]
    fn records_of_every_width_are_read() {
        assert_eq!(children(&[0, 1, 2, 3, 4, 5]), Some([0x0102, 0x03_0405]));
        assert_eq!(children(&[0, 1, 2, 0xab, 3, 4, 5]), Some([0xa00_0102, 0xb03_0405]));
        assert_eq!(children(&[1, 2, 3, 4, 5, 6, 7, 8]), Some([0x0102_0304, 0x0506_0708]));
    }
}
