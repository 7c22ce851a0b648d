//! The archive of a command beside a server.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

/// The archive.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Which {
    /// The server's configuration file, which has the place of the archive
    #[arg(long, env = "TICKERTAPE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The folder of the archive, or its file [default: that of the configuration,
    /// else data]
    #[arg(long, env = "TICKERTAPE_DATA", value_name = "FOLDER")]
    pub data: Option<ArchivePath>,
}

impl Which {
    /// Whether neither a configuration nor a file selects an archive of the folder.
    pub(crate) fn is_default(&self) -> bool {
        self.config.is_none() && self.data.as_ref().is_none_or(|data| data.file().is_none())
    }
}

/// The folder of an archive, or its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePath(pub(crate) PathBuf);

impl FromStr for ArchivePath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            // A server with this configuration keeps nothing.
            "" | "none" => Err("expected the folder of an archive, or its file"),
            text => Ok(ArchivePath(text.into())),
        }
    }
}

impl ArchivePath {
    /// Its folder and its name, if it is a file.
    pub(crate) fn file(&self) -> Option<(PathBuf, String)> {
        let name = self.0.file_name()?.to_str()?;
        if !name.ends_with(".db") {
            return None;
        }
        let folder = match self.0.parent() {
            None => Path::new("."),
            Some(here) if here.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
        };
        Some((folder.to_owned(), name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn which(config: Option<&str>, data: Option<&str>) -> Result<(PathBuf, String), String> {
        let which = Which {
            config: config.map(Into::into),
            data: data.map(|data| data.parse().unwrap()),
        };
        which.parts()
    }

    #[test]
    fn a_folder_has_the_usual_file() {
        for (text, folder, file) in [
            (None, "data", "tickertape.db"),
            (Some("data"), "data", "tickertape.db"),
            (
                Some("/var/lib/tickertape"),
                "/var/lib/tickertape",
                "tickertape.db",
            ),
            (Some("data/simulated.db"), "data", "simulated.db"),
            (Some("simulated.db"), ".", "simulated.db"),
        ] {
            let parts = which(None, text).unwrap();
            assert_eq!(parts, (folder.into(), file.to_owned()), "{text:?}");
        }
        assert!("none".parse::<ArchivePath>().is_err());
    }

    /// Where the server's own reading of the same configuration puts it.
    #[test]
    fn a_configuration_means_its_servers_archive() {
        let file = std::env::temp_dir().join(format!("which-{}.toml", std::process::id()));
        let config = file.to_str();
        let coins = "[[feed]]\nkind = \"coinbase\"\nsymbols = [\"BTC-USD\"]\n";
        for (text, data, folder, name) in [
            (
                format!("data = \"/srv/tape\"\n{coins}"),
                None,
                "/srv/tape",
                "tickertape.db",
            ),
            (
                "data = \"/srv/tape\"".to_owned(),
                None,
                "/srv/tape",
                "simulated.db",
            ),
            (coins.to_owned(), None, "data", "tickertape.db"),
            (
                format!("data = \"none\"\n{coins}"),
                Some("other"),
                "other",
                "tickertape.db",
            ),
            (
                "data = \"none\"".to_owned(),
                Some("other/tickertape.db"),
                "other",
                "tickertape.db",
            ),
        ] {
            std::fs::write(&file, &text).unwrap();
            let parts = which(config, data).unwrap();
            assert_eq!(parts, (folder.into(), name.to_owned()), "{text}");
            let mut options = vec!["--config".into(), file.clone().into_os_string()];
            options.extend(data.iter().flat_map(|data| ["--data".into(), data.into()]));
            let server = Config::to_check(&options).unwrap();
            if let Ok((at, kind)) = server.archive_place()
                && data.is_none_or(|data| !data.ends_with(".db"))
            {
                assert_eq!(parts, (at, kind.file().to_owned()), "{text}");
            }
        }
        for (text, words) in [
            ("data = \"none\"", "because data is none"),
            ("seed = 7", "repeated from its seed"),
            ("dta = \"x\"", "mean data?"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = which(config, None).unwrap_err();
            assert!(
                error.contains(words) && !error.starts_with("error"),
                "{error}"
            );
        }
        std::fs::remove_file(&file).unwrap();
    }
}
