//! The limits, checked from the ledger alone.
