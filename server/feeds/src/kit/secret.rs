use std::{
    error, fmt,
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use serde::Deserialize;

/// The longest file of a secret that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// The place of a secret: a variable of the environment or a file. It never is the secret itself, so that it can be
/// shown, logged and compared.
///
/// A feed's table and its text on the command line use the same notation: for a secret named `key`, `key_env = "NAME"`
/// or `key_file = "PATH"`, and `?key_env=NAME` or `?key_file=PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// In this variable of the environment.
    Env(String),
    /// A file with nothing else in it: for what a service manager or a container puts there.
    File(PathBuf),
}

/// The value of a secret. Only a caller of [`Revealed::expose`] can read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Revealed(String);

impl Secret {
    /// Reads the secret, without the blanks around it. A feed calls it at each login, so that a replaced file counts
    /// from then on.
    ///
    /// # Errors
    /// If the variable or the file is missing, is empty, or has more than one line.
    pub fn read(&self) -> Result<Revealed, SecretError> {
        let text = match self {
            Secret::Env(name) => match std::env::var_os(name) {
                Some(text) => text.into_string().map_err(|_| self.error("is not UTF-8"))?,
                None => return Err(self.error("is not set")),
            },
            Secret::File(path) => {
                let mut bytes = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
                    .map_err(|error| self.error(&why(&error)))?;
                if bytes.len() as u64 > MAX_FILE {
                    return Err(self.error("is too long"));
                }
                String::from_utf8(bytes).map_err(|_| self.error("is not UTF-8"))?
            }
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(self.error("is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(self.error("has several lines, or control characters"));
        }
        Ok(Revealed(text.to_owned()))
    }

    fn error(&self, why: &str) -> SecretError {
        SecretError(format!(
            "{self} {why}: expected a secret in it, on one line"
        ))
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
        _ => format!("cannot be read ({error})"),
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Env(name) => write!(f, "the variable {name}"),
            Secret::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

impl Revealed {
    /// An empty secret.
    pub(crate) fn nothing() -> Self {
        Revealed("recorded".to_owned())
    }

    /// The text, to be passed to the source only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text without the secret, from a source that has received it.
    pub(crate) fn hide(&self, text: &str) -> String {
        match &*self.0 {
            "" => text.to_owned(),
            secret => text.replace(secret, "…"),
        }
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed(…)")
    }
}

/// Why a secret cannot be read: it names the variable or the file, never its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretError(String);

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for SecretError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is removed with the test.
    struct Kept(PathBuf);

    impl Kept {
        fn new(name: &str, bytes: &[u8]) -> Self {
            let path =
                std::env::temp_dir().join(format!("tickertape-{}-{name}", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            Kept(path)
        }

        fn read(&self) -> Result<Revealed, SecretError> {
            Secret::File(self.0.clone()).read()
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_secret_is_read_without_the_blanks_around_it_and_never_shown() {
        let file = Kept::new("secret", b" hunter2 \r\n");
        let revealed = file.read().unwrap();
        assert_eq!(revealed.expose(), "hunter2");
        assert!(!format!("{revealed:?}").contains("hunter"));
        assert_eq!(revealed.hide("no, hunter2"), "no, …");
        assert_eq!(Revealed::nothing().hide("no"), "no");
        // Cargo sets it for each of its tests.
        let variable = Secret::Env("CARGO_PKG_NAME".to_owned());
        assert_eq!(variable.read().unwrap().expose(), env!("CARGO_PKG_NAME"));
    }

    #[test]
    fn what_is_missing_names_its_place_and_what_is_wrong_is_not_repeated() {
        let variable = Secret::Env("TICKERTAPE_NO_SUCH_KEY".to_owned());
        let error = variable.read().unwrap_err().to_string();
        assert!(
            error.contains("the variable TICKERTAPE_NO_SUCH_KEY is not set"),
            "{error}"
        );
        let missing = Secret::File("/nowhere/key".into());
        let error = missing.read().unwrap_err().to_string();
        assert!(error.contains("/nowhere/key is not there"), "{error}");
        for (name, bytes, words) in [
            ("empty", &b" \n"[..], "is empty"),
            ("lines", b"hunter\n2", "several lines"),
            ("latin", b"hunter\xff", "not UTF-8"),
            ("long", &[b'h'; MAX_FILE as usize + 1], "too long"),
        ] {
            let file = Kept::new(name, bytes);
            let error = file.read().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(error.contains(&*file.0.to_string_lossy()), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
