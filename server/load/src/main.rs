//! The program `load`: see `load --help`.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    load::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("load needs Linux: it waits with epoll, and reads in /proc what a server costs");
    ExitCode::FAILURE
}
