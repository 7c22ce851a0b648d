//! Where the archive is, for what works beside a server.

use std::{path::PathBuf, str::FromStr};

use crate::archive::Kind;

/// The folder of an archive, or its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(PathBuf);

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            // A server that is told so keeps nothing.
            "" | "none" => Err("expected the folder of an archive, or its file"),
            text => Ok(Place(text.into())),
        }
    }
}

impl Place {
    /// The folder and the name of the file in it.
    pub fn parts(&self) -> (PathBuf, String) {
        let name = self
            .0
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        match name {
            Some(name) if name.ends_with(".db") => {
                let folder = self.0.parent().map(PathBuf::from).unwrap_or_default();
                let here = folder.as_os_str().is_empty();
                (if here { PathBuf::from(".") } else { folder }, name)
            }
            // What is real: made-up and replayed markets have files of their own.
            _ => (self.0.clone(), Kind::Real.file().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_usual_file() {
        for (text, folder, file) in [
            ("data", "data", "tickertape.db"),
            (
                "/var/lib/tickertape",
                "/var/lib/tickertape",
                "tickertape.db",
            ),
            ("data/simulated.db", "data", "simulated.db"),
            ("simulated.db", ".", "simulated.db"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(place.parts(), (folder.into(), file.to_owned()), "{text}");
        }
        assert!("none".parse::<Place>().is_err());
    }
}
