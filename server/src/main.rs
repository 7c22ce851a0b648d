//! The binary `tickertape`.
fn main() {}
