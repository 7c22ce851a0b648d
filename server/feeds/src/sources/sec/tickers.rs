use std::{collections::HashMap, time::Duration};

use market::Symbol;
use serde_json::Value;
use tokio::{task::spawn_blocking, time::Instant};

use crate::{
    Publisher,
    kit::{
        fetch::{self, Fetcher, Page},
        markup,
    },
};
use directory::Listing;
use text::without_bom;

/// How long the file of symbols is used, and how long to wait after a failure to read it.
const TICKERS: Duration = Duration::from_secs(24 * 60 * 60);
const TICKERS_AGAIN: Duration = Duration::from_secs(10 * 60);

/// The most symbols that are taken from the SEC's file, which has some ten thousand, and of one company.
const MAX_SYMBOLS: usize = 50_000;
const MAX_OF_ONE: usize = 10;

/// The symbols of companies by their numbers, from the SEC's own file.
#[derive(Debug)]
pub(super) struct Tickers {
    pub(super) page: Page,
    pub(super) due: Instant,
    pub(super) problem: Option<String>,
    pub(super) of: HashMap<u64, Vec<Symbol>>,
}

impl Tickers {
    pub(super) fn new(page: Page) -> Self {
        Tickers {
            page,
            due: Instant::now(),
            problem: None,
            of: HashMap::new(),
        }
    }

    pub(super) async fn refresh(&mut self, fetcher: &Fetcher, publisher: &Publisher) {
        let result = match fetcher.get(&mut self.page).await {
            Ok(answer) => match answer.document {
                None => Ok(()),
                Some(document) => spawn_blocking(move || companies(&document.body))
                    .await
                    .unwrap_or_else(|error| Err(format!("reading it failed: {error}")))
                    .map(|companies| self.take(companies, publisher))
                    .map_err(|why| {
                        self.page.forget();
                        format!("{}: {why}", fetch::place(self.page.url()))
                    }),
            },
            Err(error) => Err(error.why),
        };
        self.due = Instant::now()
            + match result {
                Ok(()) => TICKERS,
                Err(_) => TICKERS_AGAIN,
            };
        if let Err(why) = &result {
            tracing::warn!(feed = publisher.name(), "the symbols of companies: {why}");
        }
        // Yesterday's file is good enough.
        self.problem = result.err().filter(|_| self.of.is_empty());
    }

    fn take(&mut self, companies: Vec<Company>, publisher: &Publisher) {
        self.of.clear();
        for company in &companies {
            let symbols = self.of.entry(company.cik).or_default();
            if symbols.len() < MAX_OF_ONE && !symbols.contains(&company.symbol) {
                symbols.push(company.symbol);
            }
        }
        publisher.list(companies.into_iter().map(|company| Listing {
            symbol: company.symbol,
            name: company.name,
            venue: None,
            currency: None,
            tick: None,
        }));
    }
}

struct Company {
    cik: u64,
    symbol: Symbol,
    name: String,
}

/// Parses the file of symbols, `{"0":{"cik_str":320193,"ticker":"AAPL","title":"Apple Inc."},…}`, and leaves out
/// invalid ones.
fn companies(body: &[u8]) -> Result<Vec<Company>, String> {
    let rows: serde_json::Map<String, Value> =
        serde_json::from_slice(without_bom(body)).map_err(|error| error.to_string())?;
    let companies: Vec<Company> = rows
        .values()
        .take(MAX_SYMBOLS)
        .filter_map(company)
        .collect();
    if companies.is_empty() {
        return Err("no company is in it: expected cik_str, ticker and title of each".to_owned());
    }
    Ok(companies)
}

fn company(row: &Value) -> Option<Company> {
    let cik = match row.get("cik_str")? {
        Value::String(text) => text.parse().ok()?,
        number => number.as_u64()?,
    };
    let ticker = row.get("ticker")?.as_str()?;
    // The SEC writes a class of shares BRK-B; it is traded as BRK.B.
    let class = ticker
        .rsplit_once('-')
        .filter(|(_, class)| class.len() == 1);
    let symbol = match class {
        Some((base, class)) => format!("{base}.{class}").parse().ok()?,
        None => ticker.parse().ok()?,
    };
    let name = row.get("title").and_then(Value::as_str).unwrap_or_default();
    let name = markup::cut(market::plain(name), 200);
    Some(Company { cik, symbol, name })
}
