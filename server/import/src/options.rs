//! The options of the command line.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use market::{Interval, Symbol};
use rust_decimal::Decimal;

use crate::{columns::Mapping, numbers::Numbers, time::TimeFormat};

/// The files to import, and how to read them.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportOptions {
    /// CSV with a header, plain, gzip or ZIP: a bar or a trade per line
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The column of each field, by header or number, as in time=Date,open=Open. The
    /// fields are time clock symbol open high low close volume vwap trades price
    /// size id moves feed split dividend [default: by the header]
    #[arg(long, value_name = "WHAT=COLUMN,…")]
    pub columns: Option<Mapping>,

    /// The symbol, in place of a column that --columns does not name
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<Symbol>,

    /// The length of bars: 1s 1m 5m 15m 1h 1d [default: by the times]
    #[arg(long, value_name = "INTERVAL")]
    pub interval: Option<Interval>,

    /// The zone of times without one, and of days [default: America/New_York for
    /// symbols of up to five letters, else UTC]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub zone: Option<TimeZone>,

    /// The format of times: iso; s ms us ns since 1970; excel (days since 1899);
    /// day-ms (milliseconds since midnight of the day in the file's name); or a
    /// pattern such as '%m/%d/%Y %H:%M' [default: by the times]
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<TimeFormat>,

    /// The format of numbers: plain (1234.5), point (1,234.5) or comma (1.234,5);
    /// point and comma also read 1.2M and 1e5
    #[arg(long, value_name = "STYLE", default_value_t)]
    pub numbers: Numbers,

    /// The factor of prices: 0.0001 if 1234500 is 123.45
    #[arg(long, value_name = "FACTOR", value_parser = scale)]
    pub scale: Option<Decimal>,
}

fn scale(text: &str) -> Result<Decimal, String> {
    text.parse()
        .ok()
        .filter(|scale: &Decimal| *scale > Decimal::ZERO && *scale <= MAX_SCALE)
        .ok_or_else(|| {
            format!("{text:?} is not a factor: expected a number above 0 and at most {MAX_SCALE}")
        })
}

/// The largest factor of prices.
const MAX_SCALE: Decimal = Decimal::ONE_THOUSAND;

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("{name:?} is not a zone: expected a name such as America/New_York or UTC")
    })
}
