//! The one place that writes to the terminal: data to standard output, all else to standard error.

use std::fmt;
use std::io::{self, Write};

use crate::failure::Failure;

/// Writes data, and a line end if it has none.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Tells the person at the terminal something that is no data.
pub fn tell(text: impl fmt::Display) {
    // Where nobody listens there is nobody to tell that.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why a command failed.
pub fn complain(failure: &Failure) {
    tell(format_args!("tollhouse: {failure}"));
}
