//! The simulated providers over real sockets, seen by a raw client.

mod client;
mod smoke;
