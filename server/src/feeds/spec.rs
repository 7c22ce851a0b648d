use std::{collections::HashSet, fmt, path::PathBuf, str::FromStr};

use market::Symbol;
use tokio_tungstenite::tungstenite::http::Uri;

use super::{Feed, binance::Binance, replay::Replay, simulate::Simulate};

/// A feed as it is asked for on the command line.
///
/// - `none`
/// - `simulate`
/// - `binance:BTCUSDT,ETHUSDT`, with `?url=ws://127.0.0.1:9000/stream` at another address
/// - `replay:FILE`, with `?speed=50` so many times quicker, with `?speed=max` as quick as it goes
#[derive(Debug, Clone, PartialEq)]
pub enum FeedSpec {
    /// Nothing: all that there is, is published.
    None,
    /// The built-in market of 30 US stocks.
    Simulate,
    /// Trades and best prices of these symbols from Binance.
    Binance {
        /// What to listen to, without repetition.
        symbols: Vec<Symbol>,
        /// The address of the combined stream.
        url: Uri,
    },
    /// A recording.
    Replay {
        /// Where it lies.
        file: PathBuf,
        /// How quickly it is played.
        speed: Speed,
    },
}

/// How quickly a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as quickly as it was recorded.
    Times(f64),
    /// As quickly as it can be read.
    Max,
}

/// Why a text is not a [`FeedSpec`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError(String);

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SpecError {}

const FEEDS: [&str; 4] = ["none", "simulate", "binance", "replay"];

impl FeedSpec {
    /// The feed, if it is one. A seed decides what the simulated market does.
    pub fn build(self, seed: u64) -> Option<Box<dyn Feed>> {
        Some(match self {
            FeedSpec::None => return None,
            FeedSpec::Simulate => Box::new(Simulate::new(seed)),
            FeedSpec::Binance { symbols, url } => Box::new(Binance::new(symbols, url)),
            FeedSpec::Replay { file, speed } => Box::new(Replay::new(file, speed)),
        })
    }

    /// The first thing that these feeds would publish twice, if there is one.
    pub fn repeated(feeds: &[FeedSpec]) -> Option<String> {
        let mut seen = HashSet::new();
        feeds
            .iter()
            .flat_map(FeedSpec::subjects)
            .find(|subject| !seen.insert(subject.clone()))
    }

    fn subjects(&self) -> Vec<String> {
        match self {
            FeedSpec::None => Vec::new(),
            FeedSpec::Simulate => vec!["simulate".to_owned()],
            FeedSpec::Binance { symbols, .. } => symbols
                .iter()
                .map(|symbol| format!("binance:{symbol}"))
                .collect(),
            FeedSpec::Replay { file, .. } => vec![format!("replay:{}", file.display())],
        }
    }
}

impl FromStr for FeedSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        // The name ends at the first colon or question mark; what follows belongs to the feed.
        let end = text.find([':', '?']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        match name {
            "none" if rest.is_empty() => Ok(FeedSpec::None),
            "simulate" if rest.is_empty() => Ok(FeedSpec::Simulate),
            "none" | "simulate" => Err(SpecError(format!(
                "{rest:?} after {name}: expected nothing more"
            ))),
            "binance" => binance(rest.strip_prefix(':').unwrap_or(rest)),
            "replay" => replay(rest.strip_prefix(':').unwrap_or(rest)),
            _ => Err(SpecError(format!(
                "{name:?} is not a feed: expected none, simulate, binance:SYMBOL,… or replay:FILE{}",
                suggestion(name, &FEEDS)
            ))),
        }
    }
}

fn binance(text: &str) -> Result<FeedSpec, SpecError> {
    // The first question mark, because an address may have its own.
    let (list, option) = match text.split_once('?') {
        Some((list, option)) => (list, Some(option)),
        None => (text, None),
    };
    let mut symbols = Vec::new();
    for name in list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let error = || {
            SpecError(format!(
                "{name:?} is not a symbol of Binance: expected 5 to 20 letters and digits, as in BTCUSDT"
            ))
        };
        let symbol: Symbol = name.parse().map_err(|_| error())?;
        let right =
            (5..=20).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !right {
            return Err(error());
        }
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    if symbols.is_empty() {
        return Err(SpecError(
            "binance without a symbol: expected binance:SYMBOL,…, as in binance:BTCUSDT,ETHUSDT"
                .to_owned(),
        ));
    }
    if symbols.len() > Binance::MAX_SYMBOLS {
        return Err(SpecError(format!(
            "{} symbols in one binance feed: expected at most {}, because they all stand in one address; use several feeds",
            symbols.len(),
            Binance::MAX_SYMBOLS
        )));
    }
    let url = match option {
        None => Binance::URL,
        Some(option) => value(option, "binance", "url")?,
    };
    let uri: Option<Uri> = url.parse().ok().filter(|uri: &Uri| {
        matches!(uri.scheme_str(), Some("ws" | "wss"))
            && uri.host().is_some_and(|host| !host.is_empty())
    });
    let Some(url) = uri else {
        return Err(SpecError(format!(
            "{url:?} is not an address of a WebSocket: expected ws://HOST… or wss://HOST…"
        )));
    };
    Ok(FeedSpec::Binance { symbols, url })
}

fn replay(text: &str) -> Result<FeedSpec, SpecError> {
    // The last question mark, because a file's name may have one.
    let (file, option) = match text.rsplit_once('?') {
        Some((file, option)) => (file, Some(option)),
        None => (text, None),
    };
    if file.is_empty() {
        return Err(SpecError(
            "replay without a file: expected replay:FILE, as in replay:recording.jsonl.gz"
                .to_owned(),
        ));
    }
    let speed = match option {
        None => Speed::Times(1.0),
        Some(option) => value(option, "replay", "speed")?.parse()?,
    };
    Ok(FeedSpec::Replay {
        file: PathBuf::from(file),
        speed,
    })
}

impl FromStr for Speed {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        match text.parse() {
            Ok(times) if (0.001..=1_000_000.0).contains(&times) => Ok(Speed::Times(times)),
            _ => Err(SpecError(format!(
                "{text:?} is not a speed: expected a number from 0.001 to 1000000, or max"
            ))),
        }
    }
}

/// The value of `name=value`, the one option that a feed has.
fn value<'a>(option: &'a str, feed: &str, name: &str) -> Result<&'a str, SpecError> {
    match option.split_once('=') {
        Some((key, value)) if key == name => Ok(value),
        _ => {
            let key = option.split('=').next().unwrap_or_default();
            Err(SpecError(format!(
                "{key:?} is not an option of {feed}: expected {name}={}",
                if name == "url" {
                    "ADDRESS"
                } else {
                    "NUMBER or max"
                }
            )))
        }
    }
}

/// `; did you mean …?` where a known name is near.
fn suggestion(name: &str, known: &[&str]) -> String {
    let name = name.to_ascii_lowercase();
    let distance = |known: &&&str| strsim::osa_distance(&name, known);
    known
        .iter()
        .min_by_key(distance)
        .filter(|nearest| distance(nearest) <= nearest.len() / 2)
        .map_or(String::new(), |nearest| {
            format!("; did you mean {nearest}?")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> FeedSpec {
        text.parse().unwrap()
    }

    fn error(text: &str) -> String {
        text.parse::<FeedSpec>().unwrap_err().to_string()
    }

    #[test]
    fn reads_every_form() {
        assert_eq!(read("simulate"), FeedSpec::Simulate);
        assert_eq!(read("none"), FeedSpec::None);
        assert!(read("none").build(1).is_none());
        let symbols = |names: &[&str]| {
            names
                .iter()
                .map(|name| name.parse().unwrap())
                .collect::<Vec<Symbol>>()
        };
        assert_eq!(
            read("binance:btcusdt, ETHUSDT,BTCUSDT"),
            FeedSpec::Binance {
                symbols: symbols(&["BTCUSDT", "ETHUSDT"]),
                url: Binance::URL.parse().unwrap(),
            }
        );
        assert_eq!(
            read("binance:BTCUSDT?url=ws://127.0.0.1:9000/stream?key=1&b=2"),
            FeedSpec::Binance {
                symbols: symbols(&["BTCUSDT"]),
                url: "ws://127.0.0.1:9000/stream?key=1&b=2".parse().unwrap(),
            }
        );
        for (text, file, speed) in [
            ("replay:a/b.gz", "a/b.gz", Speed::Times(1.0)),
            ("replay:C:b?c.gz?speed=50", "C:b?c.gz", Speed::Times(50.0)),
            ("replay:b.gz?speed=max", "b.gz", Speed::Max),
            ("replay:b.gz?speed=0.5", "b.gz", Speed::Times(0.5)),
        ] {
            let file = PathBuf::from(file);
            assert_eq!(read(text), FeedSpec::Replay { file, speed });
        }
    }

    #[test]
    fn names_what_is_wrong_and_what_was_expected() {
        for (text, parts) in [
            ("", ["\"\" is not a feed", "simulate, binance:"]),
            ("simulat", ["\"simulat\"", "did you mean simulate?"]),
            ("Binanse:BTCUSDT", ["\"Binanse\"", "did you mean binance?"]),
            ("reply:x", ["\"reply\"", "did you mean replay?"]),
            ("simulate?seed=5", ["\"?seed=5\"", "nothing more"]),
            ("binance", ["without a symbol", "binance:BTCUSDT"]),
            ("binance:,", ["without a symbol", "binance:BTCUSDT"]),
            ("binance:BTC-USDT", ["\"BTC-USDT\"", "BTCUSDT"]),
            ("binance:BTC", ["\"BTC\"", "5 to 20"]),
            (
                "binance:BTCUSDT?url=http://a",
                ["\"http://a\"", "wss://HOST"],
            ),
            ("binance:BTCUSDT?url=", ["\"\"", "wss://HOST"]),
            ("binance:BTCUSDT?ulr=ws://a", ["\"ulr\"", "url=ADDRESS"]),
            ("replay:", ["without a file", "replay:FILE"]),
            ("replay:f?speed=quick", ["\"quick\"", "or max"]),
            ("replay:f?speed=0", ["\"0\"", "or max"]),
            ("replay:f?speed=NaN", ["\"NaN\"", "or max"]),
            ("replay:f?sped=2", ["\"sped\"", "speed=NUMBER"]),
        ] {
            let error = error(text);
            for part in parts {
                assert!(error.contains(part), "{text:?}: {error}");
            }
        }
        assert!(!error("kraken").contains("did you mean"));
        let many: Vec<String> = (10_000..10_201)
            .map(|number| format!("A{number}"))
            .collect();
        assert!(error(&format!("binance:{}", many.join(","))).contains("201 symbols"));
    }
}
