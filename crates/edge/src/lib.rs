//! HTTP at the edges: the listener towards clients and the guarded client towards providers.
//!
//! Lives here: accepting connections with every size and time bounded, bodies read to a limit, answers as bytes or as
//! a stream fed by another task, and an upstream client that connects to no address it should not.
//! Not here: paths, keys, dialects, money.

pub mod address;
mod body;
mod listen;
mod upstream;

pub use body::{Body, BodyError, Piece, read_body, read_limited};
pub use listen::{Limits, Stop, bind, serve};
pub use upstream::{Dialed, Upstream, UpstreamBody, UpstreamError, UpstreamOptions};
