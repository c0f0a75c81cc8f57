//! foresight
