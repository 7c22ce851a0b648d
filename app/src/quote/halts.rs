/// What a code of a halt means, as [Nasdaq lists them](https://www.nasdaqtrader.com/Trader.aspx?id=TradeHaltCodes),
/// in plain words.
pub(crate) fn meaning(code: &str) -> &'static str {
    match code {
        "T1" => "Trading is halted because important news is about to be released.",
        "T2" => "Important news was released; trading goes on when everybody could read it.",
        "T3" => "News was told and the times at which trading goes on are known.",
        "T5" => "Trading pauses because the price moved 10 % or more within five minutes.",
        "T6" => "Trading is halted because of extraordinary activity in another market.",
        "T8" => "Trading of this fund is halted by its exchange.",
        "T12" => "Trading is halted until the company answers what the exchange asked it.",
        "H4" => "Trading is halted because the company does not comply with the listing rules.",
        "H9" => "Trading is halted because the company is late with its filings.",
        "H10" => "The Securities and Exchange Commission has suspended trading.",
        "H11" => "Trading is halted because of a concern of a regulator in another market.",
        "O1" => "Trading is halted by a technical problem of the exchange.",
        "IPO1" => "A new stock that is not yet traded.",
        "IPOQ" => "A new stock: quotes may be entered, trades follow.",
        "M1" | "M" => "Trading is halted because of a corporate action or a pause for volatility.",
        "M2" => "No quote is available.",
        "LUDP" => "Trading pauses for five minutes because the price left its limits.",
        "LUDS" => "The price is at the edge of its limits, and trading pauses.",
        "MWC0" => "The whole market is halted, as on the day before.",
        "MWC1" => "The whole market is halted: the S&P 500 fell by 7 %.",
        "MWC2" => "The whole market is halted: the S&P 500 fell by 13 %.",
        "MWC3" => "The whole market is halted for the day: the S&P 500 fell by 20 %.",
        _ => "The venue has halted trading; the price is that of the last trade before.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_code_means_a_halt_all_the_same() {
        assert!(meaning("T1").contains("news"));
        assert!(meaning("XYZ").contains("halted"));
    }
}
