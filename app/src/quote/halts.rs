/// The meaning of a halt code, as [listed by Nasdaq](https://www.nasdaqtrader.com/Trader.aspx?id=TradeHaltCodes).
pub(crate) fn meaning(code: &str) -> &'static str {
    match code {
        "T1" => "Halt: news pending",
        "T2" => "Halt: news released",
        "T3" => "News and resumption times",
        "T5" => "Single stock trading pause in effect",
        "T6" => "Halt: extraordinary market activity",
        "T7" => "Single stock trading pause, quotation-only period",
        "T8" => "Halt: exchange-traded fund (ETF)",
        "T12" => "Halt: additional information requested by the exchange",
        "H4" => "Halt: non-compliance",
        "H9" => "Halt: not current in required filings",
        "H10" => "Halt: SEC trading suspension",
        "H11" => "Halt: regulatory concern",
        "O1" => "Operations halt",
        "IPO1" => "IPO issue not yet trading",
        "IPOQ" => "IPO security released for quotation",
        "IPOE" => "IPO security: positioning window extension",
        "M1" => "Corporate action",
        "M2" => "Quotation not available",
        "M" | "LUDP" => "Volatility trading pause",
        "LUDS" => "Volatility trading pause: straddle condition",
        "MWC0" => "Market-wide circuit breaker halt: carried over from the previous day",
        "MWC1" => "Market-wide circuit breaker halt: level 1",
        "MWC2" => "Market-wide circuit breaker halt: level 2",
        "MWC3" => "Market-wide circuit breaker halt: level 3",
        _ => "Trading is halted",
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
