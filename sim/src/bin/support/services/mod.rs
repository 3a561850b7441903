//! The services of AWS for programs of this room: a simulation of them (moto), and a proxy before it that makes the
//! network as slow and as bad as it is said to be.

mod http;
pub(crate) mod moto;
pub(crate) mod proxy;
