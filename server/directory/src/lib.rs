//! The directory of symbols: all listings, quoted or not.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use market::{Price, Symbol};

use text::cell::unescaped;

/// The listing of a symbol, quoted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The symbol.
    pub symbol: Symbol,
    /// Its usual name, `Alphabet Inc.`.
    pub name: String,
    /// Where it is traded.
    pub venue: Option<String>,
    /// The currency of its prices.
    pub currency: Option<String>,
    /// The smallest step of a price.
    pub tick: Option<Price>,
}

impl Listing {
    /// A symbol without any other data.
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

/// The directory of symbols, from all sources that list some.
#[derive(Debug, Default)]
pub struct Directory {
    // A std lock: listings are added rarely, and never across an await. A search reads all of it, which takes less than
    // a millisecond for everything that is listed in the United States.
    listings: RwLock<BTreeMap<Symbol, IndexedListing>>,
}

#[derive(Debug)]
struct IndexedListing {
    listing: Listing,
    /// The symbol and the name as searches compare them, see [`folded`].
    symbol: String,
    name: String,
}

impl IndexedListing {
    fn new(listing: Listing) -> Self {
        IndexedListing {
            symbol: folded(listing.symbol.as_str()),
            name: folded(&listing.name),
            listing,
        }
    }
}

/// How well a listing matches a search; smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The symbol, character for character.
    Itself,
    /// The symbol except for its signs.
    Symbol,
    BeginsSymbol,
    BeginsName,
    BeginsWord,
    Anywhere,
    /// Similar spelling; the distance in thousandths.
    Near(u16),
}

/// The similarity, 0 to 1, from which one text counts as a misspelling of another.
const NEAR: f64 = 0.82;

impl Directory {
    /// Adds listings; a field that is missing keeps the value of an earlier listing of the symbol.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        let mut known = self
            .listings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for mut listing in listings {
            if let Some(IndexedListing {
                listing: before, ..
            }) = known.get(&listing.symbol)
            {
                if listing.name.is_empty() {
                    listing.name.clone_from(&before.name);
                }
                listing.venue = listing.venue.or_else(|| before.venue.clone());
                listing.currency = listing.currency.or_else(|| before.currency.clone());
                listing.tick = listing.tick.or(before.tick);
                // Feeds send the same listing repeatedly.
                if listing == *before {
                    continue;
                }
            }
            known.insert(listing.symbol, IndexedListing::new(listing));
        }
    }

    /// The listing of a symbol.
    pub fn get(&self, symbol: Symbol) -> Option<Listing> {
        let known = self.listings.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&symbol).map(|known| known.listing.clone())
    }

    /// The listings that match a text, best first: the symbol itself, the symbol with other signs, symbols that begin
    /// with the text, names that begin with it or have a word that does, listings that contain it anywhere, and if
    /// these are too few those with a similar spelling. Among equal matches the `preferred` come first. An empty text
    /// matches all.
    pub fn search(&self, text: &str, preferred: &HashSet<Symbol>, limit: usize) -> Vec<Listing> {
        let itself: Option<Symbol> = text.trim().parse().ok();
        let text = folded(text);
        let known = self.listings.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(Fit, bool, usize, &IndexedListing)> = Vec::new();
        let mut find = |fit: &dyn Fn(&IndexedListing) -> Option<Fit>| {
            found.clear();
            found.extend(known.values().filter_map(|known| {
                let symbol = known.listing.symbol;
                let length = symbol.as_str().len();
                let preferred = preferred.contains(&symbol);
                fit(known).map(|fit| (fit, !preferred, length, known))
            }));
            found.len()
        };
        let fits = |known: &IndexedListing| match itself {
            Some(symbol) if symbol == known.listing.symbol => Some(Fit::Itself),
            _ => fit(known, &text),
        };
        if find(&fits) < limit {
            find(&|known| fits(known).or_else(|| near(known, &text)));
        }
        let order = |(fit, others, length, known): &(Fit, bool, usize, &IndexedListing)| {
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

/// A text in the form in which it is compared: in lower case, with one space for anything but letters and digits.
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

fn fit(known: &IndexedListing, text: &str) -> Option<Fit> {
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

/// By [Jaro–Winkler](https://en.wikipedia.org/wiki/Jaro%E2%80%93Winkler_distance), of the symbol or of a word of the
/// name: it tolerates a swapped pair and rewards a common beginning, which fits misspellings.
fn near(known: &IndexedListing, text: &str) -> Option<Fit> {
    // The first letter is rarely wrong, and this avoids most of the work.
    let begins_alike = |word: &&str| word.chars().next() == text.chars().next();
    let words = known.name.split(' ').filter(|word| word.len() > 3);
    let likeness = words
        .chain([&*known.symbol])
        .filter(begins_alike)
        .map(|word| strsim::jaro_winkler(word, text))
        .fold(0.0, f64::max);
    (likeness >= NEAR).then_some(Fit::Near(((1.0 - likeness) * 1000.0) as u16))
}

/// A parsed file of listings: a table of comma-separated values with the columns `symbol`, `name`,
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
    /// If the file cannot be read, or names of columns or values are wrong: the first ten wrong lines are listed.
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

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its listings.
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

/// How many wrong lines are listed.
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
mod tests;
