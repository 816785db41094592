//! How much of something there may be: what the writer keeps to, the check enforces and views rely on.
//!
//! Numbers that point where they may are not enough: a look-up could still walk for minutes, or an answer grow beyond
//! all memory. With these bounds whatever [`View::check`](super::View::check) accepts is looked up in a number of steps
//! that is known; views keep to them by themselves too, so that bytes that nobody checked end as soon. Each bound is
//! many times what is known to exist.

/// Bytes of one string: a component's name, a URL, a repository. What is longer no request can name.
pub const MOST_TEXT: usize = 1024;
/// Bytes of a path: those of a directory (1,024), a slash, and the name of a file.
pub const MOST_PATH: usize = MOST_TEXT + 1 + MOST_TEXT;
/// Components of a path, each of a byte at least and with a slash between them.
pub const MOST_COMPONENTS: usize = MOST_PATH.div_ceil(2);
/// Path components in all: directories, what is on the way to them, files. The largest known deployment has some
/// 200,000; a build takes about a hundred bytes for each.
pub const MOST_NODES: usize = 1 << 22;
/// Hosts, and so the hosts of a directory, a location, an ASN or a netblock.
pub const MOST_HOSTS: usize = u16::MAX as usize;
/// URLs under which a host offers one tree; mirrors have up to four, one for each scheme.
pub const MOST_URLS: usize = 255;
/// Versions of one file; MirrorManager keeps a handful.
pub const MOST_VERSIONS: usize = 255;
/// Countries beyond the first that the hosts of one directory stand for, counted for each host.
pub const MOST_EXTRAS: usize = u16::MAX as usize;
/// Netblocks around an address, each shorter than the one in it: lengths 0 to 128.
pub const MOST_NETBLOCKS: usize = 129;
/// Slots that a look-up in a hash table passes. By chance no run of them is a fifth as long: with a load of 0.8, one
/// longer than n is as likely as exp(-0.023 n).
pub const MOST_PROBES: usize = 4096;
/// Strings that a look-up in a hash table compares, of the same tag and in the same run: one in 128 of those passed.
pub const MOST_COMPARISONS: usize = 64;
/// Patterns of paths for which the origin alone answers: a request may be compared with each.
pub const MOST_GLOBS: usize = 128;
/// Bytes of such a pattern: a comparison takes as many steps as pattern and path have bytes, multiplied.
pub const MOST_GLOB: usize = 128;
/// Steps from an alias to the next until the path is the real one.
pub const MOST_ALIAS_STEPS: usize = 8;
/// Words of the rings around all countries: for 65,535 hosts and 1,296 countries, which is every code of two letters or
/// digits.
pub const MOST_RING_WORDS: usize = 1296 * 3 * MOST_HOSTS.div_ceil(32);
