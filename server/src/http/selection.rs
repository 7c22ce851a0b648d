use std::collections::HashSet;

use market::Symbol;
use serde::Deserialize;
use utoipa::IntoParams;

use events::Topic;
use web::problem::Problem;

// The descriptions of `wait` repeat it: an attribute takes a literal alone.
const _: () = assert!(market::wire::MAX_POLL_WAIT.as_secs() == 25);

/// The most quotes a second that `max_rate` may have; beyond it, it limits nothing.
const MAX_RATE: f64 = 1000.0;

/// The query of `/stocks`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The symbols, separated by commas, or `*` for all. Only a page may omit them.
    #[param(
        example = "GOOG,AAPL",
        required = true,
        pattern = r"^\s*\*\s*$|^[\s,]*[A-Za-z0-9.^=_-]{1,24}(\s*,[\s,]*[A-Za-z0-9.^=_-]{1,24})*[\s,]*$"
    )]
    pub(crate) symbols: Option<String>,
    /// Which news: that of the symbols, all, or none.
    #[param(pattern = "^(symbols|all|none)$", default = "symbols")]
    pub(crate) news: Option<String>,
    /// The most quotes of a symbol a second.
    #[param(value_type = Option<f64>, exclusive_minimum = 0, maximum = 1000)]
    pub(crate) max_rate: Option<String>,
    /// The same as the header `Last-Event-ID`, for clients that cannot send it.
    #[param(example = "1732111111202-4217001")]
    pub(crate) last_event_id: Option<String>,
    /// With an id to resume after: the symbols that are new to the client, or `*`. They begin with a snapshot of their
    /// own.
    #[param(
        example = "AAPL",
        pattern = r"^\s*\*\s*$|^[\s,]*[A-Za-z0-9.^=_-]{1,24}(\s*,[\s,]*[A-Za-z0-9.^=_-]{1,24})*[\s,]*$"
    )]
    pub(crate) added: Option<String>,
    /// As JSON: the id after which events are wanted.
    #[param(example = "1732111111202-4217001")]
    pub(crate) after: Option<String>,
    /// With `after`: how many seconds to wait for an event.
    #[param(value_type = Option<u64>, maximum = 25, default = 0)]
    pub(crate) wait: Option<String>,
}

/// The query of `/`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HomeQuery {
    /// The symbols, separated by commas; all by default, or with `*`.
    #[param(
        example = "GOOG,AAPL",
        pattern = r"^\s*\*\s*$|^[\s,]*[A-Za-z0-9.^=_-]{1,24}(\s*,[\s,]*[A-Za-z0-9.^=_-]{1,24})*[\s,]*$"
    )]
    symbols: Option<String>,
    /// Which news: that of the symbols, all, or none.
    #[param(pattern = "^(symbols|all|none)$", default = "symbols")]
    news: Option<String>,
    /// The most quotes of a symbol a second.
    #[param(value_type = Option<f64>, exclusive_minimum = 0, maximum = 1000)]
    max_rate: Option<String>,
    /// The same as the header `Last-Event-ID`, for clients that cannot send it.
    #[param(example = "1732111111202-4217001")]
    last_event_id: Option<String>,
    /// With an id to resume after: the symbols that are new to the client, or `*`. They begin with a snapshot of their
    /// own.
    #[param(
        example = "AAPL",
        pattern = r"^\s*\*\s*$|^[\s,]*[A-Za-z0-9.^=_-]{1,24}(\s*,[\s,]*[A-Za-z0-9.^=_-]{1,24})*[\s,]*$"
    )]
    added: Option<String>,
    /// As JSON: the id after which events are wanted.
    #[param(example = "1732111111202-4217001")]
    after: Option<String>,
    /// With `after`: how many seconds to wait for an event.
    #[param(value_type = Option<u64>, maximum = 25, default = 0)]
    wait: Option<String>,
}

impl From<HomeQuery> for Query {
    fn from(query: HomeQuery) -> Self {
        let HomeQuery {
            symbols,
            news,
            max_rate,
            last_event_id,
            added,
            after,
            wait,
        } = query;
        Query {
            symbols,
            news,
            max_rate,
            last_event_id,
            added,
            after,
            wait,
        }
    }
}

/// The query of `/stocks/{symbol}`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OneQuery {
    /// Which news: that of the symbol, all, or none.
    #[param(pattern = "^(symbols|all|none)$", default = "symbols")]
    news: Option<String>,
    /// The most quotes a second.
    #[param(value_type = Option<f64>, exclusive_minimum = 0, maximum = 1000)]
    max_rate: Option<String>,
    /// The same as the header `Last-Event-ID`, for clients that cannot send it.
    #[param(example = "1732111111202-4217001")]
    last_event_id: Option<String>,
    /// As JSON: the id after which events are wanted.
    #[param(example = "1732111111202-4217001")]
    after: Option<String>,
    /// With `after`: how many seconds to wait for an event.
    #[param(value_type = Option<u64>, maximum = 25, default = 0)]
    wait: Option<String>,
}

impl From<OneQuery> for Query {
    fn from(query: OneQuery) -> Self {
        let OneQuery {
            news,
            max_rate,
            last_event_id,
            after,
            wait,
        } = query;
        Query {
            symbols: None,
            added: None,
            news,
            max_rate,
            last_event_id,
            after,
            wait,
        }
    }
}

/// The symbols of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Symbols {
    /// All, including later ones: `*`.
    All,
    /// These, in the order in which they were named, none twice.
    These(Vec<Symbol>),
}

/// The news of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NewsChoice {
    /// That of its symbols.
    Symbols,
    /// All.
    All,
    /// None.
    None,
}

/// The content of a stream or a poll.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Selection {
    pub(crate) symbols: Symbols,
    pub(crate) news: NewsChoice,
    /// The shortest time between two quotes of a symbol, in milliseconds.
    pub(crate) min_interval: Option<u64>,
    /// The symbols that are new to the client at the position that it resumes from.
    pub(crate) added: Option<Symbols>,
}

impl Symbols {
    /// Parses `GOOG,AAPL` or `*`, up to a number of names. `name` is that of the parameter.
    pub(crate) fn parse(name: &str, text: &str, most: usize) -> Result<Self, Problem> {
        if text.trim() == "*" {
            return Ok(Symbols::All);
        }
        let mut symbols = Vec::new();
        let mut named = HashSet::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let symbol: Symbol = parse_symbol(part)?;
            if named.insert(symbol) {
                symbols.push(symbol);
            }
            if symbols.len() > most {
                return Err(Problem::Malformed(format!(
                    "{name} names more than {most}: ask for * or open a second stream"
                )));
            }
        }
        if symbols.is_empty() {
            return Err(Problem::Malformed(format!(
                "{name} is {text:?}: expected names such as GOOG,AAPL, or * for all"
            )));
        }
        Ok(Symbols::These(symbols))
    }
}

/// Parses one symbol of an address.
pub(crate) fn parse_symbol(text: &str) -> Result<Symbol, Problem> {
    text.parse()
        .map_err(|error: market::SymbolError| Problem::Malformed(error.to_string()))
}

impl Selection {
    pub(crate) fn parse(symbols: Symbols, query: &Query) -> Result<Self, Problem> {
        let news = match query.news.as_deref() {
            None | Some("symbols") => NewsChoice::Symbols,
            Some("all") => NewsChoice::All,
            Some("none") => NewsChoice::None,
            Some(other) => {
                return Err(Problem::Malformed(format!(
                    "news is {other:?}: expected symbols, all or none"
                )));
            }
        };
        let min_interval = match query.max_rate.as_deref() {
            None => None,
            Some(text) => match text.parse::<f64>() {
                Ok(rate) if rate > 0.0 && rate <= MAX_RATE => Some((1000.0 / rate).round() as u64),
                _ => {
                    return Err(Problem::Malformed(format!(
                        "max_rate is {text:?}: expected quotes a second, above 0 and at most {MAX_RATE}"
                    )));
                }
            },
        };
        Ok(Selection {
            symbols,
            news,
            min_interval,
            added: None,
        })
    }

    /// With the address's `added`, at most `most` names.
    pub(crate) fn adding(self, added: Option<&str>, most: usize) -> Result<Self, Problem> {
        let Some(text) = added else {
            return Ok(self);
        };
        let added = Symbols::parse("added", text, most)?;
        let followed = match (&self.symbols, &added) {
            (Symbols::All, _) => true,
            (Symbols::These(_), Symbols::All) => false,
            (Symbols::These(all), Symbols::These(some)) => {
                let all: HashSet<&Symbol> = all.iter().collect();
                some.iter().all(|symbol| all.contains(symbol))
            }
        };
        if !followed {
            return Err(Problem::Malformed(format!(
                "added is {text:?}: expected some of what symbols names"
            )));
        }
        Ok(Selection {
            added: Some(added),
            ..self
        })
    }

    /// The part that is new to the client. News that does not depend on symbols is not.
    pub(crate) fn of_added(&self) -> Option<Selection> {
        Some(Selection {
            symbols: self.added.clone()?,
            news: match self.news {
                NewsChoice::Symbols => NewsChoice::Symbols,
                NewsChoice::All | NewsChoice::None => NewsChoice::None,
            },
            min_interval: None,
            added: None,
        })
    }

    /// The key of its snapshot: the order of the symbols does not matter, so that all clients with the same ones share
    /// it.
    pub(crate) fn of_snapshot(&self) -> Selection {
        let mut symbols = self.symbols.clone();
        if let Symbols::These(symbols) = &mut symbols {
            symbols.sort_unstable();
        }
        Selection {
            symbols,
            news: self.news,
            min_interval: None,
            added: None,
        }
    }

    /// The topics that a cursor subscribes to.
    pub(crate) fn topics(&self) -> Vec<Topic> {
        let mut topics = match &self.symbols {
            Symbols::All => vec![Topic::Symbols],
            Symbols::These(symbols) => symbols.iter().copied().map(Topic::Symbol).collect(),
        };
        topics.extend(self.news_topics());
        topics
    }

    /// The topics of its news.
    pub(crate) fn news_topics(&self) -> Vec<Topic> {
        match (self.news, &self.symbols) {
            (NewsChoice::None, _) => Vec::new(),
            (NewsChoice::All, _) | (NewsChoice::Symbols, Symbols::All) => vec![Topic::AllNews],
            (NewsChoice::Symbols, Symbols::These(symbols)) => {
                symbols.iter().copied().map(Topic::News).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(text: &str) -> Vec<String> {
        match Symbols::parse("symbols", text, 500).unwrap() {
            Symbols::All => vec!["*".to_owned()],
            Symbols::These(symbols) => symbols.iter().map(Symbol::to_string).collect(),
        }
    }

    #[test]
    fn reads_symbols_in_any_case_and_none_twice() {
        assert_eq!(these("goog, AAPL,GOOG,"), ["GOOG", "AAPL"]);
        assert_eq!(these("*"), ["*"]);
        assert_eq!(these("brk/a,ABR$D, achr+"), ["BRK/A", "ABR$D", "ACHR+"]);
        assert!(Symbols::parse("symbols", "*,GOOG", 500).is_err());
    }

    #[test]
    fn names_the_wrong_value() {
        let detail = |result: Result<_, Problem>| result.map(|_: ()| ()).unwrap_err().detail();
        assert!(detail(Symbols::parse("symbols", "GOOG,A|B", 500).map(|_| ())).contains("\"A|B\""));
        assert!(detail(Symbols::parse("symbols", " , ", 500).map(|_| ())).contains("\" , \""));
        for (query, value) in [
            (
                Query {
                    news: Some("some".into()),
                    ..Query::default()
                },
                "\"some\"",
            ),
            (
                Query {
                    max_rate: Some("0".into()),
                    ..Query::default()
                },
                "\"0\"",
            ),
            (
                Query {
                    max_rate: Some("fast".into()),
                    ..Query::default()
                },
                "\"fast\"",
            ),
            (
                Query {
                    max_rate: Some("NaN".into()),
                    ..Query::default()
                },
                "\"NaN\"",
            ),
        ] {
            let result = Selection::parse(Symbols::All, &query).map(|_| ());
            assert!(detail(result).contains(value));
        }
        let refused = detail(Symbols::parse("symbols", "A,B,C,D", 3).map(|_| ()));
        assert!(refused.contains("more than 3"), "{refused}");
        assert!(Symbols::parse("symbols", "A,B,C,a,b,c", 3).is_ok());
    }

    #[test]
    fn listens_to_the_topics_of_its_symbols() {
        let goog: Symbol = "GOOG".parse().unwrap();
        let selection = |news: &str| {
            let query = Query {
                news: Some(news.into()),
                ..Query::default()
            };
            Selection::parse(Symbols::These(vec![goog]), &query).unwrap()
        };
        assert_eq!(
            selection("symbols").topics(),
            [Topic::Symbol(goog), Topic::News(goog)]
        );
        assert_eq!(
            selection("all").topics(),
            [Topic::Symbol(goog), Topic::AllNews]
        );
        assert_eq!(selection("none").topics(), [Topic::Symbol(goog)]);
    }
}
