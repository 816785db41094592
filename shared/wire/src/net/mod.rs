//! Who asks: client addresses as text, the forwarded header, the proxies that may be believed.
//!
//! Pure: bytes and addresses in, addresses out; total: any bytes give an answer. The front end finds the client with
//! [`Trusted::client`]; the daemon reads `ip=` with [`parse_hop`], so that both accept the same spellings.

mod address;
mod forwarded;

pub use address::{canonical, embedded_ipv4, parse_hop, trim_blanks};
pub use forwarded::{Peer, Trusted};
