//! Addresses of the page, read and written.

use std::fmt::Write as _;

use market::Symbol;

use crate::Range;

/// The symbol that an address opens, `GOOG` of `/stocks/GOOG`.
pub(crate) fn symbol_of(path: &str) -> Option<Symbol> {
    let rest = path.strip_prefix("/stocks/")?;
    decoded(rest.trim_end_matches('/'))?.parse().ok()
}

/// Where a symbol is open: its own address, and the watchlist where the person chose one.
pub(crate) fn of_symbol(symbol: Symbol, chosen: Option<&[Symbol]>) -> String {
    let mut address = "/stocks/".to_owned();
    encode(&mut address, symbol);
    if let Some(symbols) = chosen {
        address.push_str("?symbols=");
        push_list(&mut address, symbols);
    }
    address
}

/// Where the page begins: the first of the chosen watchlist, or of the server's own.
pub(crate) fn of_home(chosen: Option<&[Symbol]>) -> String {
    match chosen {
        Some(symbols) => format!("/stocks?symbols={}", list(symbols)),
        None => "/".to_owned(),
    }
}

/// The stream of some symbols, or of all, after a position on the tape.
pub(crate) fn of_stream(symbols: Option<&[Symbol]>, last_event_id: &str) -> String {
    let mut address = of_events(symbols);
    if is_id(last_event_id) {
        address.push_str("&last_event_id=");
        address.push_str(last_event_id);
    }
    address
}

/// The same events as an answer, which the server may wait with for some seconds.
pub(crate) fn of_poll(symbols: Option<&[Symbol]>, last_event_id: &str, wait: u32) -> String {
    // Without an id it is after one that is not on the tape, from a snapshot on.
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

/// What there is to know of some symbols at a position on the tape.
pub(crate) fn of_added(symbols: &[Symbol], last_event_id: &str) -> String {
    let mut address = of_poll(Some(symbols), last_event_id, 0);
    address.push_str("&added=");
    push_list(&mut address, symbols);
    address
}

fn of_events(symbols: Option<&[Symbol]>) -> String {
    match symbols {
        Some(symbols) => format!("/stocks?symbols={}", list(symbols)),
        None => "/stocks?symbols=*".to_owned(),
    }
}

/// An id is digits and a dash; anything else is none of the server's and is left out.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// The newest bars of a symbol that a range is drawn from.
pub(crate) fn of_bars(symbol: Symbol, range: Range, archived: bool) -> String {
    let mut address = "/stocks/".to_owned();
    encode(&mut address, symbol);
    let interval = range.interval(archived);
    let limit = range.millis() / interval.millis();
    // Writing to a String cannot fail.
    let _ = write!(address, "/bars?interval={interval}&limit={limit}");
    address
}

/// The symbols that fit a text, so many at the most.
pub(crate) fn of_search(text: &str, limit: usize) -> String {
    let mut address = "/symbols?q=".to_owned();
    for byte in text.bytes() {
        // Writing to a String cannot fail.
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => write!(address, "{}", char::from(byte)),
            byte => write!(address, "%{byte:02X}"),
        };
    }
    let _ = write!(address, "&limit={limit}");
    address
}

fn list(symbols: &[Symbol]) -> String {
    let mut text = String::new();
    push_list(&mut text, symbols);
    text
}

fn push_list(to: &mut String, symbols: &[Symbol]) {
    for (index, symbol) in symbols.iter().enumerate() {
        if index > 0 {
            to.push(',');
        }
        encode(to, *symbol);
    }
}

/// Writes a symbol so that it means itself in a path and in a query alike.
fn encode(to: &mut String, symbol: Symbol) {
    for byte in symbol.as_str().bytes() {
        match byte {
            b'^' | b'=' => {
                // Writing to a String cannot fail.
                let _ = write!(to, "%{byte:02X}");
            }
            byte => to.push(char::from(byte)),
        }
    }
}

/// Undoes percent encoding; `None` where it is malformed or no ASCII stands behind it.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = String::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            (high * 16 + low) as u8
        } else {
            byte
        };
        if !byte.is_ascii() {
            return None;
        }
        decoded.push(char::from(byte));
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::symbol;

    #[test]
    fn reads_what_it_writes() {
        for name in [
            "GOOG",
            "BRK.B",
            "^GSPC",
            "EURUSD=X",
            "BTC-PERPETUAL-20261225",
        ] {
            let address = of_symbol(symbol(name), None);
            assert_eq!(symbol_of(&address), Some(symbol(name)), "{address}");
        }
        assert_eq!(of_symbol(symbol("^GSPC"), None), "/stocks/%5EGSPC");
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
            "/stocks/%C3%84",
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
    }

    #[test]
    fn asks_for_the_stream_after_a_position() {
        let goog = [symbol("GOOG")];
        assert_eq!(
            of_stream(Some(&goog), "1732111111111-0"),
            "/stocks?symbols=GOOG&last_event_id=1732111111111-0"
        );
        assert_eq!(of_stream(None, ""), "/stocks?symbols=*");
        assert_eq!(of_stream(None, "a&b=c"), "/stocks?symbols=*");
        assert_eq!(
            of_poll(Some(&goog), "1732111111111-0", 25),
            "/stocks?symbols=GOOG&after=1732111111111-0&wait=25"
        );
        assert_eq!(
            of_added(&goog, "1732111111111-0"),
            "/stocks?symbols=GOOG&after=1732111111111-0&wait=0&added=GOOG"
        );
        assert_eq!(of_poll(None, "a&b=c", 0), "/stocks?symbols=*&after=&wait=0");
        assert_eq!(
            of_bars(goog[0], Range::Week, true),
            "/stocks/GOOG/bars?interval=15m&limit=672"
        );
        assert_eq!(
            of_search("a&b c=é", 8),
            "/symbols?q=a%26b%20c%3D%C3%A9&limit=8"
        );
    }
}
