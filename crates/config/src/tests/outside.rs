//! What lies outside the text: variables, files, books.
use super::{BOOK, GOOD, check, house, load, told, with};
