//! The options of the command line.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use market::{Interval, Symbol};

use import::{Stamp, TimeFormat};

/// What is to be exported, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExportOptions {
    /// What to export
    #[arg(value_name = "WHAT")]
    pub what: What,

    /// Only these symbols; may be given several times, or separated by commas
    #[arg(long = "symbol", value_name = "SYMBOL", value_delimiter = ',')]
    pub symbols: Vec<Symbol>,

    /// The length of bars: 1s 1m 5m 15m 1h 1d
    #[arg(long, default_value = "1d", value_name = "INTERVAL")]
    pub interval: Interval,

    /// Only from this day or time on, such as 2024-01-02 or 2024-01-02T14:30:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Option<Bound>,

    /// Only what is before this day or time
    #[arg(long, value_name = "TIME")]
    pub to: Option<Bound>,

    /// The format [default: by the end of the file's name, else csv]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// The file [default: the standard output, which takes CSV alone]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Kinds of data in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Prices and volumes of an interval.
    Bars,
    /// Trade by trade.
    Trades,
    /// Quote by quote.
    Quotes,
    /// Stories in their newest versions.
    News,
}

impl What {
    pub(super) const fn plural(self) -> &'static str {
        match self {
            What::Bars => "bars",
            What::Trades => "trades",
            What::Quotes => "quotes",
            What::News => "stories",
        }
    }
}

/// The format of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text, with a header.
    Csv,
    /// <https://parquet.apache.org>, compressed with zstd.
    Parquet,
}

/// The beginning or end of a span: a day, in the symbol's own zone, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound(pub(super) Stamp);

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let stamp = TimeFormat::Iso.parse(text, None);
        stamp.map(Bound).ok_or_else(|| {
            format!(
                "{text:?} is not a time: expected one such as 2024-01-02 or 2024-01-02T14:30:00Z"
            )
        })
    }
}

impl ExportOptions {
    pub(super) fn format(&self) -> Format {
        let parquet = |file: &PathBuf| file.extension().is_some_and(|end| end == "parquet");
        match self.format {
            Some(format) => format,
            None if self.output.as_ref().is_some_and(parquet) => Format::Parquet,
            None => Format::Csv,
        }
    }
}
