//! The directory of symbols: what is listed, whether it is quoted or not.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use market::{Price, Symbol};

use text::cell::unescaped;

/// What is known of a symbol, whether it is quoted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What can be traded.
    pub symbol: Symbol,
    /// Its name as people say it, `Alphabet Inc.`.
    pub name: String,
    /// Where it is traded.
    pub venue: Option<String>,
    /// The currency of its prices.
    pub currency: Option<String>,
    /// The smallest step of a price.
    pub tick: Option<Price>,
}

impl Listing {
    /// A symbol of which nothing else is known.
    pub const fn new(symbol: Symbol) -> Self {
        Listing {
            symbol,
            name: String::new(),
            venue: None,
            currency: None,
            tick: None,
        }
    }
}

/// The directory of symbols, from whoever lists some.
#[derive(Debug, Default)]
pub struct Directory {
    // A std lock: lists are taken in now and then, and nobody waits while he holds it. A search reads
    // all of it, which takes less than a millisecond for all that is listed in the United States.
    listings: RwLock<BTreeMap<Symbol, Known>>,
}

#[derive(Debug)]
struct Known {
    listing: Listing,
    /// The symbol and the name as searches compare them, see [`folded`].
    symbol: String,
    name: String,
}

impl Known {
    fn new(listing: Listing) -> Self {
        Known {
            symbol: folded(listing.symbol.as_str()),
            name: folded(&listing.name),
            listing,
        }
    }
}

/// How well a listing fits what is searched for; the better is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is the symbol, sign for sign.
    Itself,
    /// It is the symbol but for its signs.
    Symbol,
    BeginsSymbol,
    BeginsName,
    BeginsWord,
    Anywhere,
    /// It is spelled like it; by how far it is off, in thousandths.
    Near(u16),
}

/// From how much likeness on, 0 to 1, one text is taken for another that is mistyped.
const NEAR: f64 = 0.82;

impl Directory {
    /// Takes listings; what a later one does not say, an earlier one of its symbol still does.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        let mut known = self
            .listings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for mut listing in listings {
            if let Some(Known {
                listing: before, ..
            }) = known.get(&listing.symbol)
            {
                if listing.name.is_empty() {
                    listing.name.clone_from(&before.name);
                }
                listing.venue = listing.venue.or_else(|| before.venue.clone());
                listing.currency = listing.currency.or_else(|| before.currency.clone());
                listing.tick = listing.tick.or(before.tick);
                // Feeds say the same again and again.
                if listing == *before {
                    continue;
                }
            }
            known.insert(listing.symbol, Known::new(listing));
        }
    }

    /// What is known of a symbol.
    pub fn get(&self, symbol: Symbol) -> Option<Listing> {
        let known = self.listings.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&symbol).map(|known| known.listing.clone())
    }

    /// The listings that fit a text best, best first: the symbol itself, the symbol with other signs, then what begins with it, then
    /// names that begin with it or have a word that does, then what has it anywhere, and where there are
    /// not enough of these what is spelled like it. Of those that fit equally well, the `preferred` come
    /// first. An empty text fits all.
    pub fn search(&self, text: &str, preferred: &HashSet<Symbol>, limit: usize) -> Vec<Listing> {
        let itself: Option<Symbol> = text.trim().parse().ok();
        let text = folded(text);
        let known = self.listings.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(Fit, bool, usize, &Known)> = Vec::new();
        let mut find = |fit: &dyn Fn(&Known) -> Option<Fit>| {
            found.clear();
            found.extend(known.values().filter_map(|known| {
                let symbol = known.listing.symbol;
                let length = symbol.as_str().len();
                let preferred = preferred.contains(&symbol);
                fit(known).map(|fit| (fit, !preferred, length, known))
            }));
            found.len()
        };
        let fits = |known: &Known| match itself {
            Some(symbol) if symbol == known.listing.symbol => Some(Fit::Itself),
            _ => fit(known, &text),
        };
        if find(&fits) < limit {
            find(&|known| fits(known).or_else(|| near(known, &text)));
        }
        let order = |(fit, others, length, known): &(Fit, bool, usize, &Known)| {
            (*fit, *others, *length, known.listing.symbol)
        };
        if found.len() > limit && limit > 0 {
            found.select_nth_unstable_by_key(limit - 1, order);
        }
        found.truncate(limit);
        found.sort_unstable_by_key(order);
        found
            .into_iter()
            .map(|(.., known)| known.listing.clone())
            .collect()
    }
}

/// A text as it is compared: in lower case, what is neither a letter nor a digit as one space.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            folded.push(letter);
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

fn fit(known: &Known, text: &str) -> Option<Fit> {
    if known.symbol == text {
        return Some(Fit::Symbol);
    }
    if known.symbol.starts_with(text) {
        return Some(Fit::BeginsSymbol);
    }
    let mut best = known.symbol.contains(text).then_some(Fit::Anywhere);
    for (at, _) in known.name.match_indices(text) {
        if at == 0 {
            return Some(Fit::BeginsName);
        }
        let begins_word = known.name.as_bytes()[at - 1] == b' ';
        if begins_word {
            return Some(Fit::BeginsWord);
        }
        best = Some(Fit::Anywhere);
    }
    best
}

/// By [Jaro–Winkler](https://en.wikipedia.org/wiki/Jaro%E2%80%93Winkler_distance), of the symbol or of a
/// word of the name: it forgives a swapped pair and rewards a common beginning, as what is mistyped has.
fn near(known: &Known, text: &str) -> Option<Fit> {
    // Few mistype the first letter, and all others are spared most of the work.
    let begins_alike = |word: &&str| word.chars().next() == text.chars().next();
    let words = known.name.split(' ').filter(|word| word.len() > 3);
    let likeness = words
        .chain([&*known.symbol])
        .filter(begins_alike)
        .map(|word| strsim::jaro_winkler(word, text))
        .fold(0.0, f64::max);
    (likeness >= NEAR).then_some(Fit::Near(((1.0 - likeness) * 1000.0) as u16))
}

/// A file of listings, read: a table of comma-separated values with the columns `symbol`, `name`,
/// `venue`, `currency` and `tick`, named in its first line. All but `symbol` may be missing or empty.
#[derive(Debug, Clone)]
pub struct ListingFile {
    path: PathBuf,
    listings: Arc<[Listing]>,
}

impl ListingFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read, or names of columns or values are wrong: each line at fault is named,
    /// the first ten of them.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = std::fs::File::open(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let listings = read_listings(file)
            .map_err(|error| format!("{} is no list of symbols: {error}", path.display()))?;
        Ok(ListingFile {
            path: path.to_owned(),
            listings: listings.into(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it lists.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }
}

impl FromStr for ListingFile {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        ListingFile::read(Path::new(path))
    }
}

const COLUMNS: [&str; 5] = ["symbol", "name", "venue", "currency", "tick"];

/// How many wrong lines are named.
const NAMED: usize = 10;

/// Reads a file of listings.
///
/// # Errors
/// The lines that cannot be read, and why.
pub fn read_listings(file: impl std::io::Read) -> Result<Vec<Listing>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(file);
    let mut columns = [None; COLUMNS.len()];
    let names = reader.headers().map_err(|error| error.to_string())?;
    for (at, name) in names.iter().enumerate() {
        let name = name.trim_start_matches('\u{feff}').to_ascii_lowercase();
        let column = COLUMNS.iter().position(|column| *column == name);
        let column = column.ok_or_else(|| {
            format!(
                "line 1 has a column {name:?}: expected {}",
                COLUMNS.join(", ")
            )
        })?;
        columns[column] = Some(at);
    }
    if columns[0].is_none() {
        return Err("line 1 has no column symbol".to_owned());
    }
    let width = names.len();
    let mut listings = Vec::new();
    let mut wrong = Vec::new();
    for record in reader.records() {
        let read = record
            .map_err(|error| error.to_string())
            .and_then(|record| {
                let line = record.position().map_or(0, csv::Position::line);
                read_listing(&record, columns, width).map_err(|why| format!("line {line}: {why}"))
            });
        match read {
            Ok(listing) => listings.push(listing),
            Err(why) => wrong.push(why),
        }
        if wrong.len() > NAMED {
            wrong[NAMED] = "and more".to_owned();
            break;
        }
    }
    if wrong.is_empty() {
        Ok(listings)
    } else {
        Err(wrong.join("; "))
    }
}

fn read_listing(
    record: &csv::StringRecord,
    columns: [Option<usize>; COLUMNS.len()],
    width: usize,
) -> Result<Listing, String> {
    if record.len() != width {
        return Err(format!(
            "{} values: expected {width}, as many as there are columns",
            record.len()
        ));
    }
    let [symbol, name, venue, currency, tick] = columns.map(|column| {
        column
            .and_then(|column| record.get(column))
            .map(unescaped)
            .unwrap_or_default()
    });
    let text = |text: &str| Some(market::plain(text)).filter(|text| !text.is_empty());
    let tick = match tick {
        "" => None,
        tick => {
            let tick: Price = tick.parse().map_err(|error| format!("tick: {error}"))?;
            if tick <= Price::ZERO {
                return Err(format!("tick: {tick} is no step: expected more than 0"));
            }
            Some(tick)
        }
    };
    Ok(Listing {
        symbol: symbol.parse().map_err(|error| format!("symbol: {error}"))?,
        name: market::plain(name),
        venue: text(venue),
        currency: text(currency),
        tick,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str) -> Symbol {
        name.parse().unwrap()
    }

    fn listing(name: &str, title: &str) -> Listing {
        Listing {
            name: title.to_owned(),
            ..Listing::new(symbol(name))
        }
    }

    #[test]
    fn a_listing_keeps_what_the_next_one_does_not_say() {
        let directory = Directory::default();
        let goog = symbol("GOOG");
        let listing = |name: &str, venue: Option<&str>| Listing {
            venue: venue.map(str::to_owned),
            ..listing("GOOG", name)
        };
        directory.list([listing("Alphabet Inc.", Some("Nasdaq"))]);
        directory.list([listing("", None)]);
        assert_eq!(
            directory.get(goog),
            Some(listing("Alphabet Inc.", Some("Nasdaq")))
        );
        directory.list([listing("Alphabet", None)]);
        assert_eq!(directory.get(goog).unwrap().name, "Alphabet");
        assert_eq!(directory.get(symbol("GOOGL")), None);
    }

    fn directory() -> Directory {
        let directory = Directory::default();
        directory.list(
            [
                ("A", "Agilent Technologies Inc."),
                ("AA", "Alcoa Corp."),
                ("AAPL", "Apple Inc."),
                ("APLE", "Apple Hospitality REIT, Inc."),
                ("BAC", "Bank of America Corp."),
                ("BRK.B", "Berkshire Hathaway Inc."),
                ("MAPL", "Snapple Group"),
                ("PINE", "Pineapple Holdings"),
                ("RAA", "The Alcoa Fund"),
                ("NSRGY", "Nestlé S.A."),
            ]
            .map(|(symbol, name)| listing(symbol, name)),
        );
        directory
    }

    fn search(text: &str, preferred: &[&str], limit: usize) -> Vec<String> {
        let preferred = preferred.iter().map(|name| symbol(name)).collect();
        let found = directory().search(text, &preferred, limit);
        found
            .iter()
            .map(|listing| listing.symbol.to_string())
            .collect()
    }

    #[test]
    fn the_best_fit_comes_first() {
        assert_eq!(search("aa", &[], 3), ["AA", "AAPL", "RAA"]);
        // Names that begin with it, those with a word that does, those that have it anywhere.
        assert_eq!(search("Apple", &[], 4), ["AAPL", "APLE", "MAPL", "PINE"]);
        assert_eq!(search("alcoa", &[], 2), ["AA", "RAA"]);
        assert_eq!(search("bank of am", &[], 1), ["BAC"]);
        assert_eq!(search("brk b", &[], 1), ["BRK.B"]);
        assert_eq!(search("NESTLÉ", &[], 1), ["NSRGY"]);
    }

    #[test]
    fn what_is_preferred_comes_first_among_equals() {
        assert_eq!(
            search("apple", &["APLE", "PINE"], 4),
            ["APLE", "AAPL", "PINE", "MAPL"]
        );
        assert_eq!(search("", &["NSRGY"], 2), ["NSRGY", "A"]);
    }

    #[test]
    fn what_is_mistyped_is_found_where_nothing_else_is() {
        assert_eq!(search("appel", &[], 2), ["AAPL", "APLE"]);
        assert_eq!(search("Berkshrie", &[], 1), ["BRK.B"]);
        assert_eq!(search("qqqqq", &[], 5), [""; 0]);
        assert_eq!(search("apple", &[], 0), [""; 0]);
    }

    #[test]
    fn all_that_is_listed_in_a_country_is_searched_at_once() {
        let directory = Directory::default();
        directory.list((0..12_000_u32).map(|n| {
            let letter = |by: u32| char::from(b'A' + (n / by % 26) as u8);
            let name: String = [letter(1), letter(26), letter(676), letter(17_576)]
                .iter()
                .collect();
            listing(
                &name,
                &format!("{name} {} Holdings Incorporated", n * 7_919 % 10_007),
            )
        }));
        for (text, found) in [
            ("ab", 20),
            ("holdings", 20),
            ("", 20),
            ("zzzzq", 20),
            ("holdnigs", 20),
        ] {
            let begin = std::time::Instant::now();
            let count = directory.search(text, &HashSet::new(), 20).len();
            let took = begin.elapsed();
            println!("{text:?}: {count} in {took:?}");
            assert!(count <= found, "{text}");
            // Unoptimized and beside other tests; a release build takes a twentieth of it.
            assert!(took < std::time::Duration::from_secs(1), "{text}: {took:?}");
        }
    }

    #[test]
    fn a_file_may_leave_columns_and_values_out() {
        let text = "\u{feff}Name, SYMBOL,tick\r\n\"Apple, Inc.\",aapl,0.01\r\n,GOOG,\r\n";
        let listings = read_listings(text.as_bytes()).unwrap();
        let apple = Listing {
            tick: Some("0.01".parse().unwrap()),
            ..listing("AAPL", "Apple, Inc.")
        };
        assert_eq!(listings, [apple, listing("GOOG", "")]);
    }

    #[test]
    fn every_wrong_line_of_a_file_is_named() {
        let wrong = |text: &str| read_listings(text.as_bytes()).unwrap_err();
        let error = wrong("symbol,tick\nA B,\nGOOG,0.01\nMSFT,1e5\nAAPL\nIBM,-1\n");
        for part in [
            "line 2: symbol: \"A B\"",
            "line 4: tick: \"1e5\"",
            "line 5: 1 values",
            "line 6: tick: -1 is no step",
        ] {
            assert!(error.contains(part), "{part} is not in {error}");
        }
        assert!(wrong("ticker,name\n").contains("\"ticker\""));
        assert!(wrong("name\nApple\n").contains("no column symbol"));
        let many = wrong(&format!("symbol\n{}", "A B\n".repeat(30)));
        assert_eq!(many.matches("line").count(), 10, "{many}");
        assert!(many.ends_with("and more"), "{many}");
    }
}
