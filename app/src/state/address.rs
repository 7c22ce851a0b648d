//! Addresses of the page and of its requests.

use std::fmt::Write as _;

use market::{Interval, Symbol};

use crate::state::missing::Missing;

/// The symbol of a path, `GOOG` for `/stocks/GOOG`.
pub(crate) fn symbol_of(path: &str) -> Option<Symbol> {
    let rest = path.strip_prefix("/stocks/")?;
    let name = rest.strip_suffix('/').unwrap_or(rest);
    // A slash in a symbol is encoded. Any other separates parts of the path.
    let is_one = !name.contains('/');
    decoded(name).filter(|_| is_one)?.parse().ok()
}

/// The address that opens a symbol, with the watchlist if the person chose one.
pub(crate) fn of_symbol(symbol: Symbol, chosen: Option<&[Symbol]>) -> String {
    let mut address = "/stocks/".to_owned();
    push_encoded(&mut address, symbol.as_str());
    push_watchlist(&mut address, chosen.unwrap_or_default());
    address
}

/// A path of the page with a watchlist.
pub(crate) fn with_watchlist(path: &str, symbols: &[Symbol]) -> String {
    let mut address = path.to_owned();
    push_watchlist(&mut address, symbols);
    address
}

/// A watchlist as the value of a form's field; `None` if it is empty.
pub(crate) fn list(symbols: &[Symbol]) -> Option<String> {
    let names: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// An address cannot name a list without symbols.
fn push_watchlist(to: &mut String, symbols: &[Symbol]) {
    if !symbols.is_empty() {
        to.push_str("?symbols=");
        push_list(to, symbols);
    }
}

/// The start of the page: the first symbol of the chosen watchlist, or of the server's.
pub(crate) fn of_home(chosen: Option<&[Symbol]>) -> String {
    match chosen {
        None | Some([]) => "/".to_owned(),
        Some(symbols) => with_watchlist("/stocks", symbols),
    }
}

/// The stream of symbols, or of all, after a position on the tape.
pub(crate) fn of_stream(symbols: Option<&[Symbol]>, last_event_id: &str) -> String {
    let mut address = of_events(symbols);
    if is_id(last_event_id) {
        address.push_str("&last_event_id=");
        address.push_str(last_event_id);
    }
    address
}

/// A poll for the same events. The server may wait for `wait` seconds before it answers.
pub(crate) fn of_poll(symbols: Option<&[Symbol]>, last_event_id: &str, wait: u32) -> String {
    // An empty id is not on the tape, so the answer begins with a snapshot.
    let after = if is_id(last_event_id) {
        last_event_id
    } else {
        ""
    };
    let mut address = of_events(symbols);
    // Writing to a String cannot fail.
    let _ = write!(address, "&after={after}&wait={wait}");
    address
}

fn of_events(symbols: Option<&[Symbol]>) -> String {
    match symbols {
        None | Some([]) => "/stocks?symbols=*".to_owned(),
        Some(symbols) => with_watchlist("/stocks", symbols),
    }
}

/// A poll that also returns the state of `added` symbols at a position on the tape; the state of all symbols if the
/// position is not on the tape.
pub(crate) fn of_added(
    symbols: Option<&[Symbol]>,
    added: &[Symbol],
    last_event_id: &str,
) -> String {
    let mut address = of_poll(symbols, last_event_id, 0);
    if is_id(last_event_id) {
        address.push_str("&added=");
        push_list(&mut address, added);
    }
    address
}

/// Whether a text has only digits and dashes, as ids of the server do.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Missing bars.
pub(crate) fn of_bars(missing: &Missing) -> String {
    let mut address = of_newest_bars(missing.symbol, missing.interval, missing.limit);
    if let Some(before) = missing.before {
        // Writing to a String cannot fail.
        let _ = write!(address, "&to={before}");
    }
    address
}

/// The newest bars of a symbol, at most `limit`.
pub(crate) fn of_newest_bars(symbol: Symbol, interval: Interval, limit: u64) -> String {
    let mut address = "/stocks/".to_owned();
    push_encoded(&mut address, symbol.as_str());
    // Writing to a String cannot fail.
    let _ = write!(address, "/bars?interval={interval}&limit={limit}");
    address
}

/// The symbols that match a text, at most `limit`.
pub(crate) fn of_search(text: &str, limit: usize) -> String {
    let mut query = String::new();
    push_part(&mut query, "q", text);
    format!("/symbols?{query}&limit={limit}")
}

/// Adds a parameter to a query.
pub(crate) fn push_part(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    push_encoded(query, value);
}

/// The parameters of a query, still encoded. The question mark is optional.
pub(crate) fn parts(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = query.strip_prefix('?').unwrap_or(query);
    query.split('&').filter_map(|part| part.split_once('='))
}

/// A query with its parameters of these names replaced by those of `new`. Other parameters stay unchanged.
pub(crate) fn with_parts(query: &str, names: &[&str], new: &str) -> String {
    let mut parts: Vec<&str> = all_parts(query)
        .filter(|part| !names.contains(&name_of(part)))
        .collect();
    if !new.is_empty() {
        parts.push(new);
    }
    parts.join("&")
}

/// An address of the page with additional parameters: those of `query` whose names pass and that it does not have
/// itself.
pub(crate) fn with_parts_of(address: &str, query: &str, passes: impl Fn(&str) -> bool) -> String {
    let (path, own) = address.split_once('?').unwrap_or((address, ""));
    let is_own = |name: &str| all_parts(own).any(|part| name_of(part) == name);
    let mut parts: Vec<&str> = all_parts(own).collect();
    parts.extend(all_parts(query).filter(|part| passes(name_of(part)) && !is_own(name_of(part))));
    of_parts(path, &parts.join("&"))
}

/// A path with a query, if that is not empty.
pub(crate) fn of_parts(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => [path, "?", query].concat(),
    }
}

fn all_parts(query: &str) -> impl Iterator<Item = &str> {
    let query = query.strip_prefix('?').unwrap_or(query);
    query.split('&').filter(|part| !part.is_empty())
}

fn name_of(part: &str) -> &str {
    part.split_once('=').map_or(part, |(name, _)| name)
}

/// The decoded value of a parameter. Malformed escapes stay unchanged.
pub(crate) fn query_text(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (*byte, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
                bytes.push(digit(*high) * 16 + digit(*low));
                rest = after;
            }
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn push_list(to: &mut String, symbols: &[Symbol]) {
    for (index, symbol) in symbols.iter().enumerate() {
        if index > 0 {
            to.push(',');
        }
        push_encoded(to, symbol.as_str());
    }
}

/// Writes a text percent-encoded for both paths and queries.
fn push_encoded(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            to.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

/// Decodes percent encoding; `None` if it is malformed or not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::figures::tests::symbol;
    use crate::state::range::Range;

    #[test]
    fn reads_what_it_writes() {
        for name in [
            "GOOG",
            "BRK.B",
            "^GSPC",
            "EURUSD=X",
            "BTC-PERPETUAL-20261225",
            "ABR$D",
            "ACHR+",
            "M&M.NS",
            "BRK/A",
            "BAC-A#",
            "T%*",
            "币安人生USDT",
        ] {
            let address = of_symbol(symbol(name), None);
            assert_eq!(symbol_of(&address), Some(symbol(name)), "{address}");
        }
        assert_eq!(of_symbol(symbol("^GSPC"), None), "/stocks/%5EGSPC");
        assert_eq!(of_symbol(symbol("BRK/A"), None), "/stocks/BRK%2FA");
        assert_eq!(
            with_watchlist("/stocks", &["ACHR+", "M&M.NS", "龙虾USDT"].map(symbol)),
            "/stocks?symbols=ACHR%2B,M%26M.NS,%E9%BE%99%E8%99%BEUSDT"
        );
        // As a person may have typed it.
        assert_eq!(symbol_of("/stocks/achr+"), Some(symbol("ACHR+")));
        assert_eq!(symbol_of("/stocks/龙虾usdt"), Some(symbol("龙虾USDT")));
    }

    proptest! {
        /// What an address holds is one segment of a path and one value of a query.
        #[test]
        fn any_symbol_is_read_from_its_address(text in "[A-Z0-9!#$%&*+./:=@^_~币é-]{1,24}") {
            let Ok(symbol) = text.parse::<Symbol>() else {
                return Ok(());
            };
            let address = of_symbol(symbol, Some(&[symbol]));
            let (path, query) = address.split_once('?').unwrap();
            prop_assert_eq!(symbol_of(path), Some(symbol));
            prop_assert!(address.is_ascii() && !address.contains(['#', '+', ' ']));
            let [("symbols", value)] = parts(query).collect::<Vec<_>>()[..] else {
                panic!("{query}");
            };
            prop_assert_eq!(query_text(value).parse::<Symbol>(), Ok(symbol));
        }
    }

    #[test]
    fn reads_any_case_and_refuses_the_rest() {
        assert_eq!(symbol_of("/stocks/goog"), Some(symbol("GOOG")));
        assert_eq!(symbol_of("/stocks/GOOG/"), Some(symbol("GOOG")));
        for path in [
            "/",
            "/stocks",
            "/stocks/",
            "/stocks/A/B",
            "/stocks/%",
            "/stocks/%C3",
            "/stocks/A%20B",
            "/stocks/..",
            "/stocks/*",
            "/stocks/A//",
            "/x/GOOG",
        ] {
            assert_eq!(symbol_of(path), None, "{path}");
        }
    }

    #[test]
    fn keeps_a_chosen_watchlist() {
        let chosen = [symbol("AAPL"), symbol("GOOG")];
        assert_eq!(
            of_symbol(chosen[1], Some(&chosen)),
            "/stocks/GOOG?symbols=AAPL,GOOG"
        );
        assert_eq!(of_home(Some(&chosen)), "/stocks?symbols=AAPL,GOOG");
        assert_eq!(of_home(None), "/");
        assert_eq!(of_home(Some(&[])), "/");
        assert_eq!(of_symbol(chosen[1], Some(&[])), "/stocks/GOOG");
    }

    #[test]
    fn an_address_keeps_the_parts_of_the_open_one() {
        let here = "?symbols=A&utm=x&type=halt&chart=1W&q";
        let carried = |name: &str| name == "chart" || name == "type";
        assert_eq!(
            with_parts_of("/stocks/B?symbols=A,B", here, carried),
            "/stocks/B?symbols=A,B&type=halt&chart=1W"
        );
        assert_eq!(
            with_parts_of("/stocks/B", here, |name| name != "symbols"),
            "/stocks/B?utm=x&type=halt&chart=1W&q"
        );
        assert_eq!(
            with_parts_of("/?chart=1D", here, |name| name == "chart"),
            "/?chart=1D"
        );
        assert_eq!(with_parts_of("/", "", |_| true), "/");
        assert_eq!(
            with_parts(here, &["chart", "compare"], "chart=1D"),
            "symbols=A&utm=x&type=halt&q&chart=1D"
        );
        assert_eq!(with_parts("?chart=1D", &["chart"], ""), "");
    }

    #[test]
    fn asks_for_the_stream_after_a_position() {
        let goog = [symbol("GOOG")];
        assert_eq!(
            of_stream(Some(&goog), "1732111111111-0"),
            "/stocks?symbols=GOOG&last_event_id=1732111111111-0"
        );
        assert_eq!(of_stream(None, ""), "/stocks?symbols=*");
        assert_eq!(of_stream(Some(&[]), "a&b=c"), "/stocks?symbols=*");
        assert_eq!(
            of_poll(Some(&goog), "1732111111111-0", 25),
            "/stocks?symbols=GOOG&after=1732111111111-0&wait=25"
        );
        assert_eq!(
            of_added(None, &goog, "1732111111111-0"),
            "/stocks?symbols=*&after=1732111111111-0&wait=0&added=GOOG"
        );
        assert_eq!(of_poll(None, "a&b=c", 0), "/stocks?symbols=*&after=&wait=0");
        let week = Missing::of_range(goog[0], Range::Week, true, 0);
        assert_eq!(of_bars(&week), "/stocks/GOOG/bars?interval=15m&limit=672");
        let before = Missing {
            interval: Interval::Day,
            limit: 500,
            before: Some(60_000),
            ..week
        };
        assert_eq!(
            of_bars(&before),
            "/stocks/GOOG/bars?interval=1d&limit=500&to=60000"
        );
        assert_eq!(
            of_search("a&b c=é", 8),
            "/symbols?q=a%26b%20c%3D%C3%A9&limit=8"
        );
    }
}
