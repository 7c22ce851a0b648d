//! Names of currencies and of pairs of them, for sources that give only codes.

use market::{Quality, Session, Symbol, TradingState};

/// The codes that names of pairs end with where nothing separates the two, longest first so that
/// `FDUSD` is not read as `USD`.
const QUOTED_IN: [&str; 17] = [
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "USD", "GBP", "TRY",
    "BRL", "JPY", "AUD", "PLN", "DAI",
];

/// The two sides of a pair that is written as one word, `BTCUSDT`.
pub(crate) fn split(pair: &str) -> Option<(&str, &str)> {
    QUOTED_IN.iter().find_map(|quoted| {
        let base = pair.strip_suffix(quoted)?;
        (!base.is_empty()).then_some((base, *quoted))
    })
}

/// A pair as people say it, `Bitcoin / Tether`; codes stand where no name is known.
fn pair(base: &str, quoted: &str) -> String {
    format!(
        "{} / {}",
        name(base).unwrap_or(base),
        name(quoted).unwrap_or(quoted)
    )
}

fn name(code: &str) -> Option<&'static str> {
    Some(match code {
        "AAVE" => "Aave",
        "ADA" => "Cardano",
        "ALGO" => "Algorand",
        "ARB" => "Arbitrum",
        "ATOM" => "Cosmos",
        "AUD" => "Australian Dollar",
        "AVAX" => "Avalanche",
        "BAND" => "Band Protocol",
        "BCH" => "Bitcoin Cash",
        "BNB" => "BNB",
        "BRL" => "Brazilian Real",
        "BTC" => "Bitcoin",
        "CRV" => "Curve",
        "DAI" => "Dai",
        "DASH" => "Dash",
        "DOGE" => "Dogecoin",
        "DOT" => "Polkadot",
        "ETC" => "Ethereum Classic",
        "ETH" => "Ethereum",
        "EUR" => "Euro",
        "FDUSD" => "First Digital USD",
        "FIL" => "Filecoin",
        "GBP" => "Pound Sterling",
        "HBAR" => "Hedera",
        "ICP" => "Internet Computer",
        "JPY" => "Japanese Yen",
        "LINK" => "Chainlink",
        "LTC" => "Litecoin",
        "NEAR" => "NEAR",
        "NMR" => "Numeraire",
        "NU" => "NuCypher",
        "OP" => "Optimism",
        "PEPE" => "Pepe",
        "PLN" => "Polish Zloty",
        "SHIB" => "Shiba Inu",
        "SKL" => "SKALE",
        "SOL" => "Solana",
        "SUI" => "Sui",
        "TON" => "Toncoin",
        "TRX" => "TRON",
        "TRY" => "Turkish Lira",
        "UNI" => "Uniswap",
        "USD" => "US Dollar",
        "USDC" => "USD Coin",
        "USDT" => "Tether",
        "XLM" => "Stellar",
        "XRP" => "XRP",
        "YFI" => "yearn.finance",
        _ => return None,
    })
}

/// What is known of a pair of currencies without asking, from its letters: its name and currency.
pub(crate) fn session(
    symbol: Symbol,
    sides: Option<(&str, &str)>,
    venue: &str,
    source: &str,
    quality: Quality,
) -> Session {
    Session {
        symbol,
        name: match sides {
            Some((base, quoted)) => pair(base, quoted),
            None => symbol.to_string(),
        },
        currency: sides.map(|(_, quoted)| quoted.to_owned()),
        venue: Some(venue.to_owned()),
        source: source.to_owned(),
        quality,
        state: TradingState::Open,
        halt_code: None,
        hours: None,
        open: None,
        prev_close: None,
        tick: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_names_pairs() {
        assert_eq!(split("BTCUSDT"), Some(("BTC", "USDT")));
        assert_eq!(split("BTCFDUSD"), Some(("BTC", "FDUSD")));
        assert_eq!(split("ETHBTC"), Some(("ETH", "BTC")));
        assert_eq!(split("USDT"), None);
        assert_eq!(split("ABCXYZ"), None);
        assert_eq!(pair("BTC", "USDT"), "Bitcoin / Tether");
        assert_eq!(pair("WIF", "EUR"), "WIF / Euro");
    }
}
