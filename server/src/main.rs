//! The binary `tickertape`.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clock::Clock;
use history::RecoveredState;
use leptos::config::LeptosOptions;
use publishers::{PublishGate, TokenGrant, new_token};
use server::{
    Command, Config, LogFormat, RecordOptions,
    commands::{ExportCommand, ImportCommand},
    discreet, missing_secrets,
    repair::RepairOptions,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Replaces the filter of the log.
type Refilter = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send>;

fn main() -> ExitCode {
    // The environment variables are among the checked settings, and an option may override a wrong one.
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((_, options)) = arguments
        .split_first()
        .filter(|(first, _)| *first == "check")
    {
        return check(options);
    }
    let config = Config::from_command_line();
    match &config.command {
        Some(Command::Token { name }) => return make_token(name),
        Some(Command::Check { options }) => return check(options),
        Some(Command::Record(_) | Command::Import(_) | Command::Export(_) | Command::Repair(_))
        | None => {}
    }
    let refilter = start_log(&config);
    match &config.command {
        Some(Command::Import(command)) => return import(command),
        Some(Command::Export(command)) => return export(command),
        Some(Command::Repair(options)) => return repair(options),
        _ => {}
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(problem) => {
            error!("cannot start the threads of the server: {problem}");
            return ExitCode::FAILURE;
        }
    };
    let result = match config.command.clone() {
        Some(Command::Record(options)) => runtime.block_on(record(*options)),
        _ => runtime.block_on(run(config, refilter)),
    };
    // Everything has ended in order, except threads that wait for the system: to resolve a host's name, or to read from
    // a pipe. That may take for ever and is not needed any more.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            error!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the log as configured.
fn start_log(config: &Config) -> Refilter {
    let log = tracing_subscriber::fmt()
        .with_env_filter(config.log.filter.clone())
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // A failure to write the log would be reported in the same place, by a panic.
        .log_internal_errors(false);
    match config.log.format {
        LogFormat::Text => {
            let log = log.with_filter_reloading();
            let handle = log.reload_handle();
            log.finish().with(discreet()).init();
            Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
        }
        LogFormat::Json => {
            let log = log.json().flatten_event(true).with_filter_reloading();
            let handle = log.reload_handle();
            log.finish().with(discreet()).init();
            Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string()))
        }
    }
}

/// Prints what the program would do with these options, or all their errors.
fn check(options: &[OsString]) -> ExitCode {
    let config = match Config::to_check(options) {
        Ok(config) => config,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let checked = server::check(&config);
    let site = leptos_options(config.page.site.as_deref());
    if let (Ok(text), Ok(_)) = (&checked, &site) {
        let _ = write!(io::stdout(), "{text}");
        return ExitCode::SUCCESS;
    }
    let faults = checked.err().into_iter().flatten().chain(site.err());
    for fault in faults {
        eprintln!("error: {fault}");
    }
    ExitCode::FAILURE
}

/// Prints a new token and its hash for programs, and what to do with them for people.
fn make_token(name: &str) -> ExitCode {
    let made = new_token()
        .map_err(|error| format!("the system gives no random numbers: {error}"))
        .and_then(|token| {
            let grant = TokenGrant::new(name, &token).map_err(|error| error.to_string())?;
            Ok((token, grant))
        });
    let printed = made.and_then(|(token, grant)| {
        writeln!(io::stdout(), "token: {token}\nhash: {grant}")
            .map_err(|error| format!("cannot print the token: {error}"))?;
        Ok(grant)
    });
    match printed {
        Ok(grant) => {
            let _ = writeln!(
                io::stderr(),
                "The token is shown only now: give it to the publisher {name}, and start the server with\n  --publish-token {grant}"
            );
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Ends with 0 if every line was imported, with 2 if some were refused, and with 1 if it failed.
fn import(command: &ImportCommand) -> ExitCode {
    match command.run(Clock::system().now(), &mut io::stdout()) {
        Ok(imported) if imported.refused == 0 => ExitCode::SUCCESS,
        Ok(imported) => {
            eprintln!(
                "{} lines were refused; all others were imported",
                imported.refused
            );
            ExitCode::from(2)
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn export(command: &ExportCommand) -> ExitCode {
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Ends with 2 if something could not be repaired.
fn repair(options: &RepairOptions) -> ExitCode {
    match server::repair::repair(options, Clock::system().now(), &mut io::stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Records until Ctrl-C, and reports the size.
async fn record(options: RecordOptions) -> Result<(), String> {
    let stop = CancellationToken::new();
    let signals = cancel_on_signal(stop.clone())
        .map_err(|error| format!("cannot receive the signals of the system: {error}"))?;
    tokio::spawn(signals);
    let file = options.file.display().to_string();
    let (recorded, why) = server::record(options, &stop).await?;
    eprintln!(
        "{file} has {} frames of {} bytes, in {} bytes; the recording ended because {why}",
        recorded.frames, recorded.bytes, recorded.written
    );
    Ok(())
}

async fn run(config: Config, refilter: Refilter) -> Result<(), String> {
    for warning in Config::misspelt_variables() {
        warn!("{warning}");
    }
    let missing = missing_secrets(&config);
    if !missing.is_empty() {
        return Err(missing.join("; "));
    }
    let leptos = leptos_options(config.page.site.as_deref())?;
    #[cfg(unix)]
    raise_file_limit();
    let listener = front::listen(config.listener.listen).map_err(|error| {
        format!(
            "cannot listen at {}: {error}; choose another address with --listen, port 0 takes a free one",
            config.listener.listen
        )
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("cannot determine the listening address: {error}"))?;

    let clock = Clock::system();
    let beginning = {
        let (place, keep, clock) = (
            config.archive_place().ok(),
            config.archive.keep(),
            clock.clone(),
        );
        let opening = tokio::task::spawn_blocking(move || RecoveredState::new(place, keep, &clock));
        opening
            .await
            .map_err(|error| format!("opening the archive: {error}"))??
    };

    let shutdown = CancellationToken::new();
    let signals = cancel_on_signal(shutdown.clone())
        .map_err(|error| format!("cannot receive the signals of the system: {error}"))?;
    tokio::spawn(signals);
    let desk = Arc::new(PublishGate::new(&config.publish));
    #[cfg(unix)]
    {
        let reloads = reload_on_hangup(config.config.clone(), Arc::clone(&desk), refilter)
            .map_err(|error| format!("cannot receive the signals of the system: {error}"))?;
        tokio::spawn(reloads);
    }
    // A reader that closed the server's output, as `tickertape | head -1` does, still wants the server.
    let _ = writeln!(io::stdout(), "Tickertape is at http://{address}");
    server::run(listener, config, desk, beginning, leptos, clock, shutdown).await;
    info!("goodbye");
    Ok(())
}

/// Each connection is an open file, and the usual limit is 1024.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, all) {
        Ok(()) => debug!(files = maximum, "raised the limit of open files"),
        Err(error) => warn!(%error, "could not raise the limit of open files"),
    }
}

/// The folder of the page's files. `cargo leptos watch` gives it in the environment; otherwise they are where they were
/// built or installed.
fn leptos_options(site: Option<&Path>) -> Result<LeptosOptions, String> {
    if site.is_none() && std::env::var_os("LEPTOS_OUTPUT_NAME").is_some() {
        return leptos::config::get_configuration(None)
            .map(|configuration| configuration.leptos_options)
            .map_err(|error| format!("the environment of cargo-leptos is not complete: {error}"));
    }
    let program = std::env::current_exe()
        .map_err(|error| format!("cannot determine where the program is: {error}"))?;
    let folder = program.parent().unwrap_or(Path::new("."));
    let candidates = match site {
        Some(site) => vec![site.to_owned()],
        None => vec![folder.join("site"), folder.join("../site")],
    };
    let site: &PathBuf = candidates
        .iter()
        .find(|candidate| candidate.join("pkg").is_dir())
        .ok_or_else(|| {
            format!(
                "the page's files are not at {}: build them with `cargo leptos build --release`, or name their folder with --site",
                candidates
                    .iter()
                    .map(|candidate| candidate.display().to_string())
                    .collect::<Vec<_>>()
                    .join(" nor at ")
            )
        })?;
    Ok(LeptosOptions::builder()
        .output_name("tickertape")
        .site_root(site.to_string_lossy())
        .site_pkg_dir("pkg")
        .hash_files(folder.join("hash.txt").is_file())
        .build())
}

/// Reads the configuration file again at SIGHUP, which would otherwise end the process, and applies what can change
/// while the server runs: the filter of the log and the publishers.
#[cfg(unix)]
fn reload_on_hangup(
    file: Option<PathBuf>,
    desk: Arc<PublishGate>,
    refilter: Refilter,
) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            let Some(file) = &file else {
                info!("SIGHUP: there is nothing to reload without a configuration file");
                continue;
            };
            let file = file.display();
            let reloaded = Config::again().and_then(|config| {
                refilter(config.log.filter)?;
                desk.admit_only(&config.publish.tokens);
                Ok(config.publish.tokens.len())
            });
            match reloaded {
                Ok(tokens) => info!(
                    tokens,
                    "SIGHUP: reloaded log and publish_token of {file}; other settings take effect at the next start"
                ),
                Err(why) => error!("SIGHUP: nothing of {file} was reloaded: {}", why.trim_end()),
            }
        }
    })
}

/// Ends the server in order at Ctrl-C and at SIGTERM: from this call on, not only once the future
/// is polled.
#[cfg(unix)]
fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        info!("shutting down");
        shutdown.cancel();
    })
}

/// Ends the server in order at Ctrl-C.
#[cfg(not(unix))]
fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<impl Future<Output = ()>> {
    Ok(async move {
        let _ = tokio::signal::ctrl_c().await;
        info!("shutting down");
        shutdown.cancel();
    })
}
