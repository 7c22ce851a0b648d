//! The programs of the compared servers, and how each is started.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use crate::{Problem, machine};

pub(crate) const TOKEN_HASH: &str =
    "bench:1b32c28cb38c05480eccc1bd60ff97029b57a05c96718b96dad7e9d84894f549";

/// The limit of streams that tickertape is started with.
pub(crate) const MAX_STREAMS: &str = "60000";

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Kind {
    Tickertape,
    DurableStreams,
    Nchan,
    AxumBroadcast,
    BetterSse,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [
        Kind::Tickertape,
        Kind::DurableStreams,
        Kind::Nchan,
        Kind::AxumBroadcast,
        Kind::BetterSse,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Tickertape => "tickertape",
            Kind::DurableStreams => "durable-streams",
            Kind::Nchan => "nchan",
            Kind::AxumBroadcast => "axum Sse + broadcast",
            Kind::BetterSse => "better-sse",
        }
    }
}

/// Where the programs are.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Programs {
    /// Tickertape, built for speed
    #[arg(long, default_value = "target/dist/tickertape", value_name = "FILE")]
    pub(crate) tickertape: PathBuf,

    /// An option more for tickertape, as in --tickertape-option=--max-symbols=20
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub(crate) tickertape_option: Vec<String>,

    /// The server of the crate durable-streams
    #[arg(
        long,
        env = "TICKERTAPE_BENCH_DURABLE_STREAMS",
        default_value = "durable-streams-server",
        value_name = "FILE"
    )]
    pub(crate) durable_streams: PathBuf,

    /// nginx
    #[arg(
        long,
        env = "TICKERTAPE_BENCH_NGINX",
        default_value = "nginx",
        value_name = "FILE"
    )]
    pub(crate) nginx: PathBuf,

    /// nginx's module nchan
    #[arg(
        long,
        env = "TICKERTAPE_BENCH_NCHAN",
        default_value = "/usr/lib/nginx/modules/ngx_nchan_module.so",
        value_name = "FILE"
    )]
    pub(crate) nchan: PathBuf,

    /// The release of server/load/peers/axum-broadcast
    #[arg(
        long,
        default_value = "target/peers/release/axum-broadcast",
        value_name = "FILE"
    )]
    pub(crate) axum_broadcast: PathBuf,

    /// Where the sources of the peers are
    #[arg(long, default_value = "server/load/peers", value_name = "FOLDER")]
    pub(crate) peers: PathBuf,
}

impl Programs {
    /// A server's version, as far as it can be determined.
    pub(crate) fn version(&self, kind: Kind) -> String {
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, word: &str, end: char| {
            let rest = text.split_once(word).map(|(_, rest)| rest)?;
            rest.split(end).next().map(str::to_owned)
        };
        let version = match kind {
            Kind::Tickertape => Some(machine::version(
                Command::new(&self.tickertape).arg("--version"),
            )),
            Kind::DurableStreams => self
                .durable_streams
                .ancestors()
                .nth(2)
                .map(|root| read(root.join(".crates.toml")))
                .and_then(|text| after(&text, "\"durable-streams ", ' ')),
            Kind::Nchan => {
                let nginx = machine::version(Command::new(&self.nginx).arg("-v"));
                self.nchan
                    .ancestors()
                    .nth(5)
                    .map(|root| read(root.join("version")))
                    .filter(|version| !version.is_empty())
                    .map(|version| format!("{} in nginx {nginx}", version.trim()))
            }
            Kind::AxumBroadcast => {
                let lock = read(self.peers.join("axum-broadcast/Cargo.lock"));
                let of =
                    |name: &str| after(&lock, &format!("name = \"{name}\"\nversion = \""), '"');
                of("axum")
                    .zip(of("tokio"))
                    .map(|(axum, tokio)| format!("{axum}, tokio {tokio}"))
            }
            Kind::BetterSse => {
                let manifest = read(
                    self.peers
                        .join("better-sse/node_modules/better-sse/package.json"),
                );
                let node = machine::version(Command::new("node").arg("--version"));
                after(&manifest, "\"version\": \"", '"')
                    .map(|version| format!("{version}, Node {node}"))
            }
        };
        version.unwrap_or_else(|| "unknown".to_owned())
    }

    /// Tickertape with a feed and an archive; either may be none.
    pub(crate) fn tickertape(&self, port: u16, feed: &str, data: &str) -> Command {
        let mut command = Command::new(&self.tickertape);
        command
            .args(["--feed", feed, "--data", data, "--log", "warn"])
            .args(["--publish-token", TOKEN_HASH])
            // All subscribers come from one address.
            .args([
                "--max-streams",
                MAX_STREAMS,
                "--max-streams-per-address",
                MAX_STREAMS,
            ])
            .args(["--publish-rate", "1000000", "--publish-burst", "1000000"])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(&self.tickertape_option);
        command
    }

    pub(crate) fn command(&self, kind: Kind, port: u16, folder: &Path) -> Result<Command, Problem> {
        let mut command;
        match kind {
            // The peers write nothing to disk either.
            Kind::Tickertape => command = self.tickertape(port, "none", "none"),
            Kind::DurableStreams => {
                command = Command::new(&self.durable_streams);
                // Without writing events to disk, which is its fastest configuration.
                command
                    .args(["--durability", "memory", "--port", &port.to_string()])
                    .arg("--data-dir")
                    .arg(folder);
            }
            Kind::Nchan => {
                let template = self.peers.join("nchan/nginx.conf");
                let text = fs::read_to_string(&template)
                    .map_err(|error| format!("cannot read {}: {error}", template.display()))?
                    .replace("{module}", &self.nchan.to_string_lossy())
                    .replace("{folder}", &folder.to_string_lossy())
                    .replace("{port}", &port.to_string());
                let file = folder.join("nginx.conf");
                fs::write(&file, text)
                    .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
                command = Command::new(&self.nginx);
                command
                    .arg("-e")
                    .arg(folder.join("error.log"))
                    .arg("-c")
                    .arg(file);
            }
            Kind::AxumBroadcast => {
                command = Command::new(&self.axum_broadcast);
                command.arg(port.to_string());
            }
            Kind::BetterSse => {
                command = Command::new("node");
                command
                    .arg(self.peers.join("better-sse/server.js"))
                    .arg(port.to_string());
            }
        }
        Ok(command)
    }
}
