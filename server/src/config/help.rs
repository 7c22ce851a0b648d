//! The part of the help below the options.

use std::fmt::Write as _;

use feeds::{FeedRow, FeedSpec};

/// The width of the help, and the column in which it describes feeds.
const WIDTH: usize = 80;
const COLUMN: usize = 28;

const EXAMPLES: &str = "\
Examples:
  tickertape
  tickertape --feed coinbase:BTC-USD,ETH-USD --feed kraken:BTC-USD,ETH-USD
  tickertape --feed 'replay:frames.jsonl.gz?speed=10'
  tickertape --feed simulate --feed binance:BTCUSDT --listen 0.0.0.0:8080
  tickertape token newsdesk
  tickertape check --config tickertape.toml
  tickertape record binance:BTCUSDT bitcoin.jsonl.gz --for 10m
  tickertape import daily-bars.csv.gz
  tickertape export bars --symbol AAPL --interval 1d";

/// The feeds, from the rows of their registry, and examples.
pub(crate) fn after_help() -> String {
    let mut text = "Feeds:\n".to_owned();
    let (others, none): (Vec<&FeedRow>, Vec<&FeedRow>) =
        FeedSpec::rows().iter().partition(|row| row.name != "none");
    for row in others.into_iter().chain(none) {
        put(&mut text, row);
    }
    text += "  Where several feeds quote a symbol, the first one that is live counts.\n\n";
    text + EXAMPLES
}

/// Writes a row: a feed's notation, and beside it what it publishes.
fn put(text: &mut String, row: &FeedRow) {
    let mut line = format!("  {}", row.usage);
    // Writing to a string cannot fail.
    let mut flush = |line: &mut String| {
        let _ = writeln!(text, "{line}");
        line.clear();
    };
    if line.chars().count() >= COLUMN {
        flush(&mut line);
    }
    for word in row.help.split(' ') {
        let length = line.chars().count();
        if length > COLUMN && length + 1 + word.chars().count() > WIDTH {
            flush(&mut line);
        }
        match line.chars().count() {
            length if length < COLUMN => line += &" ".repeat(COLUMN - length),
            _ => line.push(' '),
        }
        line += word;
    }
    flush(&mut line);
}
