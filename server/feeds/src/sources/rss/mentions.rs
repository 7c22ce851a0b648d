//! Symbols in the words of wire services: `Acme Corp. (NASDAQ: ACME)`, `(NYSE: BRK.A, BRK.B)`,
//! `(TSX: ABC; NYSE American: ABC)`.

use market::Symbol;

/// How much of a text is searched, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// The longest mention, in bytes: the content of one pair of parentheses.
const MAX_MENTION_BYTES: usize = 200;

/// Names of the US exchanges and markets, in lower case and letters only. Exchanges of other countries with such a name
/// (`Nasdaq Stockholm`) are not among them.
const EXCHANGES: [&str; 42] = [
    "nasdaq",
    "nasdaqgs",
    "nasdaqgm",
    "nasdaqcm",
    "nasdaqsc",
    "nasdaqgsm",
    "nasdaqglobalselect",
    "nasdaqglobalselectmarket",
    "nasdaqglobalmarket",
    "nasdaqglobal",
    "nasdaqcapitalmarket",
    "nasdaqcapitalmarkets",
    "nasdaqcapital",
    "nasdaqstockmarket",
    "nyse",
    "newyorkstockexchange",
    "nyseamerican",
    "nyseamer",
    "nyseamex",
    "nysemkt",
    "nysearca",
    "nysetexas",
    "nysechicago",
    "nysenational",
    "amex",
    "americanstockexchange",
    "arca",
    "cboe",
    "cboebzx",
    "cboeus",
    "bats",
    "otc",
    "otcqb",
    "otcqx",
    "otcid",
    "otcpink",
    "otcpk",
    "otcbb",
    "otcmarkets",
    "otcmkts",
    "otherotc",
    "pinksheets",
];

/// Whether a name is one of a US exchange.
pub(super) fn is_american(exchange: &str) -> bool {
    let letters: String = exchange
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .take(40)
        .collect();
    let name = letters.strip_prefix("the").unwrap_or(&letters);
    EXCHANGES.contains(&name)
}

/// Adds the symbols that a text mentions with a US exchange, each once and up to a limit.
pub(super) fn collect(text: &str, symbols: &mut Vec<Symbol>, most: usize) {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for part in text[..end].split(['(', '[']).skip(1) {
        let Some(end) = part
            .find([')', ']'])
            .filter(|end| *end <= MAX_MENTION_BYTES)
        else {
            continue;
        };
        mention(&part[..end], symbols, most);
    }
}

/// Parses the content of parentheses: exchanges with a colon each, and symbols after them.
fn mention(text: &str, symbols: &mut Vec<Symbol>, most: usize) {
    let mut is_listed = false;
    // A name ends with its colon; the text before it belongs to the symbols of the previous one.
    let mut parts = text.split([':', '：']).peekable();
    let mut names = parts.next().unwrap_or_default();
    while let Some(part) = parts.next() {
        is_listed = exchanges(names).any(is_american) || (names.is_empty() && is_listed);
        let is_last = parts.peek().is_none();
        let (listed, next) = match is_last {
            true => (part, ""),
            false => last_name(part),
        };
        if is_listed {
            for symbol in listed.split([',', ';', '/', '|', '&']).flat_map(of_words) {
                if symbols.len() < most && !symbols.contains(&symbol) {
                    symbols.push(symbol);
                }
            }
        }
        names = next;
    }
}

/// Several exchanges may share one colon: `NYSE and TSX: ABC`.
fn exchanges(names: &str) -> impl Iterator<Item = &str> {
    names
        .split([',', ';', '/', '|', '&'])
        .flat_map(|names| names.split(" and "))
}

/// The symbols of one exchange, and the name of the next one: `ABC; TSX` and `ABC, NYSE American`.
fn last_name(part: &str) -> (&str, &str) {
    match part.rfind([',', ';', '/', '|', '&']) {
        Some(at) => (&part[..at], &part[at + 1..]),
        // `ABC TSX`: the first word is the symbol.
        None => part.trim_start().split_once(' ').unwrap_or((part, "")),
    }
}

/// The symbol at the beginning of a few words, `ABC` or `ABC and XYZ`.
fn of_words(words: &str) -> Vec<Symbol> {
    let words = words.split(" and ").flat_map(|words| words.split(" or "));
    words.filter_map(|word| symbol(word.trim())).collect()
}

/// A symbol in the US form: one to five capital letters, perhaps with a class.
fn symbol(text: &str) -> Option<Symbol> {
    let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let (base, class) = text.split_once(['.', '-']).unwrap_or((text, ""));
    let is_capital = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_symbol =
        (1..=5).contains(&base.len()) && is_capital(base) && class.len() <= 3 && is_capital(class);
    if !is_symbol {
        return None;
    }
    match class {
        "" => base.parse().ok(),
        class if class.len() == 1 => format!("{base}.{class}").parse().ok(),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mentioned(text: &str) -> Vec<String> {
        let mut symbols = Vec::new();
        collect(text, &mut symbols, 50);
        symbols.iter().map(|symbol| symbol.to_string()).collect()
    }

    #[test]
    fn us_listings_in_parentheses_are_symbols() {
        for (text, symbols) in [
            ("Acme Corp. (NASDAQ: ACME) today", &["ACME"][..]),
            ("Acme (Nasdaq:ACME) and Bolt (NYSE: BLT)", &["ACME", "BLT"]),
            ("(Nasdaq: XYZ, XYZW)", &["XYZ", "XYZW"]),
            ("(Nasdaq: XYZ and XYZW)", &["XYZ", "XYZW"]),
            ("(NYSE: BRK.A, BRK-B)", &["BRK.A", "BRK.B"]),
            ("(NYSE American: UEC)", &["UEC"]),
            ("(The Nasdaq Global Select Market: \"ACME\")", &["ACME"]),
            ("(TSX: SHOP)", &[]),
            ("(TSX: ABC; NYSE American: ABCD)", &["ABCD"]),
            ("(NYSE: ABC; TSX: XYZ)", &["ABC"]),
            ("(NYSE: ABC, TSX: XYZ)", &["ABC"]),
            ("(NYSE: ABC) (TSX: XYZ)", &["ABC"]),
            ("(NYSE and TSX: ABC)", &["ABC"]),
            ("(TSX, NYSE: ABC)", &["ABC"]),
            ("(TSX/NYSE: ABC)", &["ABC"]),
            ("[OTCQB: ABCDF]", &["ABCDF"]),
            ("(Nasdaq Stockholm: ERIC)", &[]),
            ("(Euronext Paris: MC)", &[]),
            ("(Ticker: ACME)", &[]),
            ("(NASDAQ: acme corp)", &[]),
            ("(NASDAQ)", &[]),
            ("(NASDAQ:)", &[]),
            ("NASDAQ: ACME", &[]),
            ("(NASDAQ: ACME", &[]),
            ("(Note: see NYSE: rules)", &[]),
            ("(NASDAQ: ACME) again (NASDAQ: ACME)", &["ACME"]),
        ] {
            assert_eq!(mentioned(text), symbols, "{text}");
        }
    }

    #[test]
    fn so_many_symbols_are_taken_at_the_most() {
        let many: String = (b'A'..=b'Z')
            .map(|c| format!("(NYSE: {}) ", c as char))
            .collect();
        let mut symbols = Vec::new();
        collect(&many, &mut symbols, 5);
        assert_eq!(symbols.len(), 5);
        let long = format!("(NYSE: {})", "ABC, ".repeat(100));
        assert_eq!(mentioned(&long), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[(NYSE:nasdaq, ;/&)A-Zé]{0,80}") {
            prop_assert!(mentioned(&text).len() <= 50);
        }
    }
}
