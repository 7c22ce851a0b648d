//! Why an export fails.

use std::io;

/// Why nothing, or not all, was written.
#[derive(Debug)]
pub(super) enum Problem {
    Archive(archive::Failure),
    Output(io::Error),
    Parquet(::parquet::errors::ParquetError),
    Other(String),
}

impl Problem {
    pub(super) fn in_words(self, output: &str) -> String {
        match self {
            Problem::Archive(failure) => failure.to_string(),
            Problem::Output(error) => format!("{output} cannot be written: {error}"),
            Problem::Parquet(error) => format!("{output} cannot be written: {error}"),
            Problem::Other(why) => why,
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Problem::Output(error)
    }
}

impl From<archive::Failure> for Problem {
    fn from(failure: archive::Failure) -> Self {
        Problem::Archive(failure)
    }
}

impl From<::parquet::errors::ParquetError> for Problem {
    fn from(error: ::parquet::errors::ParquetError) -> Self {
        Problem::Parquet(error)
    }
}
