//! The filter of the news, as in the address.

use market::{News, NewsType, Symbol, wire::NEWS_PAGE, words_of};

use crate::state::address;

/// Which symbols the stories are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum About {
    /// What the page follows: the person's watchlist, or everything.
    #[default]
    Followed,
    /// The open symbol.
    Open,
    /// Any symbols, or none.
    All,
}

impl About {
    /// Its word in the address.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            About::Followed => "",
            About::Open => "open",
            About::All => "all",
        }
    }

    /// The value of a word of the address.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [About::Followed, About::Open, About::All]
            .into_iter()
            .find(|about| about.word() == word)
    }
}

/// The word of a type in addresses and in storage, `press_release`.
pub(crate) fn word_of(kind: NewsType) -> String {
    kind.label().replace(' ', "_")
}

/// The type of a word.
pub(crate) fn kind_of(word: &str) -> Option<NewsType> {
    NewsType::ALL
        .into_iter()
        .find(|kind| word_of(*kind) == word)
}

/// The chosen filter. Missing parts do not restrict the stories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NewsFilter {
    /// The one type that is wanted.
    pub(crate) kind: Option<NewsType>,
    /// Which symbols stories have to be about.
    pub(crate) about: About,
    /// The words that were entered.
    pub(crate) words: String,
    /// What is wrong with the address, in words.
    pub(crate) mistake: Option<String>,
}

/// The parameters of an address with the filter.
pub(crate) const PARTS: [&str; 3] = ["type", "of", "q"];

impl NewsFilter {
    /// Reads the query of an address. Other parameters are ignored. Values that are not understood do not restrict the
    /// stories, and are reported as a mistake.
    pub(crate) fn read(query: &str) -> Self {
        let mut filter = NewsFilter::default();
        for (name, value) in address::parts(query) {
            let value = address::query_text(value);
            match name {
                "type" => {
                    filter.kind = kind_of(&value);
                    if filter.kind.is_none() && !value.is_empty() {
                        filter.mistake = Some(format!("“{value}” is not a news type"));
                    }
                }
                "of" => match About::of_word(&value) {
                    Some(about) => filter.about = about,
                    None => {
                        filter.mistake = Some(format!(
                            "News “of {value}” cannot be chosen: expected open or all"
                        ));
                    }
                },
                "q" => filter.words = value,
                _ => {}
            }
        }
        filter
    }

    /// The filter as parameters of a query, `type=halt&of=open`; empty if nothing was chosen.
    pub(crate) fn query(&self) -> String {
        let mut query = String::new();
        let kind = self.kind.map(word_of).unwrap_or_default();
        for (name, value) in PARTS
            .into_iter()
            .zip([&*kind, self.about.word(), &self.words])
        {
            if !value.is_empty() {
                address::push_part(&mut query, name, value);
            }
        }
        query
    }

    /// A query with its filter replaced by this one.
    #[cfg(test)]
    fn in_query(&self, query: &str) -> String {
        address::with_parts(query, &PARTS, &self.query())
    }

    /// Whether every story passes.
    pub(crate) fn is_open(&self) -> bool {
        self.kind.is_none() && self.about == About::Followed && words_of(&self.words).is_empty()
    }

    /// Applies the filter to the open symbol, and to the watchlist if the person chose one.
    pub(crate) fn lens(&self, open: Option<Symbol>, chosen: Option<&[Symbol]>) -> Lens {
        Lens {
            kind: self.kind,
            symbols: match self.about {
                About::Followed => chosen.map(<[Symbol]>::to_vec),
                About::Open => Some(open.into_iter().collect()),
                About::All => None,
            },
            words: words_of(&self.words),
            reaches_out: self.about == About::All && chosen.is_some(),
        }
    }
}

/// A filter that is applied to specific symbols.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Lens {
    kind: Option<NewsType>,
    /// The symbols of which a story has to have one; `None` if all stories pass.
    symbols: Option<Vec<Symbol>>,
    words: Vec<String>,
    /// Whether stories may pass that the page's stream does not carry.
    pub(crate) reaches_out: bool,
}

impl Lens {
    /// Whether a story passes.
    pub(crate) fn passes(&self, news: &News) -> bool {
        let of_symbols = |symbols: &Vec<Symbol>| {
            let mut about = news.symbols.iter();
            about.any(|symbol| symbols.contains(symbol))
        };
        self.kind.is_none_or(|kind| kind == news.kind)
            && self.symbols.as_ref().is_none_or(of_symbols)
            && news.has_words(&self.words)
    }

    /// The address of stories that pass, older than `before` if there is one.
    pub(crate) fn address(&self, before: Option<&str>) -> String {
        let mut query = String::new();
        if let Some(symbols) = &self.symbols {
            let symbols: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
            address::push_part(&mut query, "symbols", &symbols.join(","));
        }
        if let Some(kind) = self.kind {
            address::push_part(&mut query, "type", &word_of(kind));
        }
        if !self.words.is_empty() {
            address::push_part(&mut query, "q", &self.words.join(" "));
        }
        if let Some(id) = before {
            address::push_part(&mut query, "before", id);
        }
        address::push_part(&mut query, "limit", &NEWS_PAGE.to_string());
        format!("/news?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{format::figures::tests::symbol, news::list::tests::news};

    #[test]
    fn reads_what_it_writes_and_leaves_the_rest_alone() {
        for (query, filter) in [
            ("", NewsFilter::default()),
            (
                "type=press_release&of=open&q=chips%20%26%20caf%C3%A9",
                NewsFilter {
                    kind: Some(NewsType::PressRelease),
                    about: About::Open,
                    words: "chips & café".to_owned(),
                    mistake: None,
                },
            ),
            (
                "of=all",
                NewsFilter {
                    about: About::All,
                    ..NewsFilter::default()
                },
            ),
        ] {
            assert_eq!(NewsFilter::read(query), filter);
            assert_eq!(filter.query(), query);
            assert_eq!(filter.is_open(), query.is_empty());
        }
        let filter = NewsFilter::read("symbols=A,B&type=halt&q=a+b");
        assert_eq!(filter.words, "a b");
        assert_eq!(
            filter.in_query("q=old&symbols=A,B&of=open"),
            "symbols=A,B&type=halt&q=a%20b"
        );
    }

    #[test]
    fn reports_what_it_does_not_understand() {
        let filter = NewsFilter::read("type=gossip");
        assert!(filter.is_open());
        assert_eq!(
            filter.mistake.as_deref(),
            Some("“gossip” is not a news type")
        );
        let filter = NewsFilter::read("of=mine");
        assert!(
            filter
                .mistake
                .is_some_and(|mistake| mistake.contains("mine"))
        );
    }

    #[test]
    fn each_type_is_called_as_on_the_wire() {
        for kind in NewsType::ALL {
            let wire = serde_json::to_string(&kind).unwrap();
            assert_eq!(wire.trim_matches('"'), word_of(kind));
            assert_eq!(kind_of(&word_of(kind)), Some(kind));
        }
    }

    #[test]
    fn lets_through_what_was_asked_for() {
        let [goog, aapl] = ["GOOG", "AAPL"].map(symbol);
        let story = |symbols: &[Symbol]| News {
            symbols: symbols.to_vec(),
            headline: "Profits beat forecasts".to_owned(),
            ..news("a")
        };
        let passes = |query: &str, chosen: Option<&[Symbol]>, symbols: &[Symbol]| {
            let lens = NewsFilter::read(query).lens(Some(goog), chosen);
            lens.passes(&story(symbols))
        };
        assert!(passes("", None, &[]));
        assert!(!passes("", Some(&[goog]), &[aapl]));
        assert!(passes("", Some(&[goog]), &[aapl, goog]));
        assert!(passes("of=all", Some(&[goog]), &[aapl]));
        assert!(passes("of=open", None, &[goog]) && !passes("of=open", None, &[aapl]));
        assert!(passes("type=headline", None, &[]) && !passes("type=halt", None, &[]));
        assert!(passes("q=PROFITS+fore", None, &[]) && !passes("q=loss", None, &[]));
    }

    #[test]
    fn asks_the_server_for_the_same() {
        let chosen = [symbol("GOOG"), symbol("^GSPC")];
        let lens = |query| NewsFilter::read(query).lens(Some(chosen[0]), Some(&chosen));
        assert_eq!(
            lens("type=halt&q=A+b").address(Some("1-2")),
            "/news?symbols=GOOG%2C%5EGSPC&type=halt&q=a%20b&before=1-2&limit=50"
        );
        assert_eq!(lens("of=open").address(None), "/news?symbols=GOOG&limit=50");
        assert_eq!(lens("of=all").address(None), "/news?limit=50");
        assert!(lens("of=all").reaches_out && !lens("").reaches_out);
    }
}
