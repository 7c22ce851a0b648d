//! Secrets in files, for feeds that read them there.

use std::path::{Path, PathBuf};

use feeds::Secret;

/// A secret that is removed from the disk with the test.
pub(crate) struct Kept(PathBuf);

impl Kept {
    pub(crate) fn new(name: &str, secret: &str) -> Self {
        let unique = format!(
            "tickertape-{}-{name}-{}",
            std::process::id(),
            fastrand::u64(..)
        );
        let path = std::env::temp_dir().join(unique);
        std::fs::write(&path, secret).unwrap();
        Kept(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::File(self.0.clone())
    }

    /// Takes another secret in its place.
    pub(crate) fn becomes(&self, secret: &str) {
        std::fs::write(&self.0, secret).unwrap();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
