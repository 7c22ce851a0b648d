//! What a trade of a US stock moves, by the conditions of its report.
//!
//! The rules are those of the two consolidated tapes: of the stocks of the NYSE and its sisters
//! (tapes A and B) the
//! [CTS Pillar output specification](https://www.ctaplan.com/publicdocs/ctaplan/CTS_Pillar_Output_Specification.pdf)
//! (sale conditions, "trade summary update table"), of those of Nasdaq (tape C) the
//! [UTP data feed services specification](https://www.utpplan.com/DOC/UtpBinaryOutputSpec.pdf) (sale
//! condition matrix). Of several conditions the most restrictive counts: if one of them forbids a trade to move
//! something, it does not move it.
//!
//! - Where the tapes let a report move the last price only if it is the first of the day (sold out
//!   of sequence, derivatively priced, prior reference price …), it does not move it here.
//! - Official prices of the open and the close (`Q`, `M`) move the prices of their own market
//!   center and no consolidated one. In a feed of one exchange they move last, high and low; in one
//!   of all exchanges they move nothing. Their volume is that of trades reported before.
//! - A condition that is on neither tape changes nothing.

use market::TradeEligibility;

/// The tape that a stock is reported on: the same letter has different meanings on different tapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tape {
    /// Stocks listed on the NYSE (A), and on others but Nasdaq (B).
    Cta,
    /// Stocks listed on Nasdaq (C).
    Utp,
}

impl Tape {
    /// The tape of that letter; `O` is that of stocks which no exchange lists.
    pub fn of(letter: &str) -> Option<Self> {
        match letter {
            "A" | "B" => Some(Tape::Cta),
            "C" | "O" => Some(Tape::Utp),
            _ => None,
        }
    }
}

const VOLUME: TradeEligibility = TradeEligibility {
    last: false,
    range: false,
    volume: true,
};
const NOT_LAST: TradeEligibility = TradeEligibility {
    last: false,
    ..TradeEligibility::ALL
};
const PRICE: TradeEligibility = TradeEligibility {
    volume: false,
    ..TradeEligibility::ALL
};
const NOTHING: TradeEligibility = TradeEligibility {
    last: false,
    range: false,
    volume: false,
};

/// The market centers that a feed has trades of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One market center.
    OneExchange,
    /// All market centers.
    Consolidated,
}

/// What a trade moves with these conditions, given as the letters of its tape. If the tape is unknown, a letter has its
/// most restrictive meaning.
pub fn moves<'a>(
    scope: Scope,
    tape: Option<Tape>,
    conditions: impl IntoIterator<Item = &'a str>,
) -> TradeEligibility {
    all(conditions
        .into_iter()
        .map(|condition| of(scope, tape, condition)))
}

/// What a trade of all exchanges moves with these conditions, as Finnhub's
/// [list](https://finnhub.io/docs/api/websocket-trades) numbers them: the same conditions under
/// other names.
pub fn numbered<'a>(conditions: impl IntoIterator<Item = &'a str>) -> TradeEligibility {
    let condition = |number: &str| match number {
        "3" | "5" | "10" | "12" | "17" | "22" | "24" | "25" | "26" | "27" | "37" => VOLUME,
        "9" | "21" | "30" | "32" => NOT_LAST,
        // Official close and open of a market center.
        "16" | "20" => NOTHING,
        "39" => PRICE,
        _ => TradeEligibility::ALL,
    };
    all(conditions.into_iter().map(condition))
}

fn all(conditions: impl Iterator<Item = TradeEligibility>) -> TradeEligibility {
    conditions.fold(TradeEligibility::ALL, |all, one| TradeEligibility {
        last: all.last && one.last,
        range: all.range && one.range,
        volume: all.volume && one.volume,
    })
}

fn of(scope: Scope, tape: Option<Tape>, condition: &str) -> TradeEligibility {
    match condition {
        // An average price on tapes A and B, a bunched trade on C, which is a regular one.
        "B" if tape == Some(Tape::Utp) => TradeEligibility::ALL,
        // Average price, cash, price variation, odd lot, next day, seller, form T, extended hours
        // and out of sequence, contingent, average price, qualified contingent.
        "B" | "C" | "H" | "I" | "N" | "R" | "T" | "U" | "V" | "W" | "7" => VOLUME,
        // Bunched and sold, prior reference price, sold out of sequence, derivatively priced.
        "G" | "P" | "Z" | "4" => NOT_LAST,
        // Official close, official open.
        "M" | "Q" if scope == Scope::Consolidated => NOTHING,
        // The same, and a corrected consolidated close.
        "M" | "Q" | "9" => PRICE,
        // Regular (`@` or a blank), acquisition, distribution, automatic execution, intermarket
        // sweep, rules 127 and 155, sold last, opening, split, cross, yellow flag, stopped,
        // reopening, closing.
        _ => TradeEligibility::ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(tape: Option<Tape>, conditions: &str) -> TradeEligibility {
        let conditions: Vec<String> = conditions.chars().map(String::from).collect();
        moves(
            Scope::OneExchange,
            tape,
            conditions.iter().map(String::as_str),
        )
    }

    #[test]
    fn an_official_price_moves_no_consolidated_one() {
        for tape in [Some(Tape::Cta), Some(Tape::Utp), None] {
            for official in ["M", "Q"] {
                for with in ["@", "6", " "] {
                    let moved = |scope| moves(scope, tape, [with, official]);
                    assert_eq!(
                        moved(Scope::Consolidated),
                        NOTHING,
                        "{official} on {tape:?}"
                    );
                    assert_eq!(moved(Scope::OneExchange), PRICE, "{official} on {tape:?}");
                }
            }
            // A correction of the consolidated close is meant for it.
            assert_eq!(moves(Scope::Consolidated, tape, ["9"]), PRICE);
        }
        assert_eq!(numbered(["16"]), NOTHING);
        assert_eq!(numbered(["20", "1"]), NOTHING);
    }

    #[test]
    fn each_condition_lets_a_trade_move_what_its_tape_says() {
        for tape in [Some(Tape::Cta), Some(Tape::Utp), None] {
            for regular in "@ ADEFKLOSXY1568".chars() {
                let moved = moved(tape, &regular.to_string());
                assert_eq!(moved, TradeEligibility::ALL, "{regular:?} on {tape:?}");
            }
            for volume in "CHINRTUVW7".chars() {
                let moved = moved(tape, &volume.to_string());
                assert_eq!(moved, VOLUME, "{volume:?} on {tape:?}");
            }
            for not_last in "GPZ4".chars() {
                let moved = moved(tape, &not_last.to_string());
                assert_eq!(moved, NOT_LAST, "{not_last:?} on {tape:?}");
            }
            for price in "MQ9".chars() {
                let moved = moved(tape, &price.to_string());
                assert_eq!(moved, PRICE, "{price:?} on {tape:?}");
            }
        }
        assert_eq!(moved(Some(Tape::Cta), "B"), VOLUME);
        assert_eq!(moved(Some(Tape::Utp), "B"), TradeEligibility::ALL);
        assert_eq!(moved(None, "B"), VOLUME);
    }

    #[test]
    fn the_most_restrictive_of_several_counts() {
        let utp = Some(Tape::Utp);
        assert_eq!(moved(utp, ""), TradeEligibility::ALL);
        assert_eq!(moved(utp, "@"), TradeEligibility::ALL);
        assert_eq!(moved(utp, "@F"), TradeEligibility::ALL);
        assert_eq!(moved(utp, "@TI"), VOLUME);
        assert_eq!(moved(utp, "@ZF"), NOT_LAST);
        assert_eq!(moved(utp, "MI"), NOTHING, "what each of the two forbids");
        assert_eq!(
            moves(Scope::Consolidated, utp, ["?", "long"]),
            TradeEligibility::ALL
        );
    }

    #[test]
    fn finnhubs_numbers_are_the_same_conditions() {
        assert_eq!(numbered([]), TradeEligibility::ALL);
        assert_eq!(numbered(["1", "8"]), TradeEligibility::ALL);
        // A trade after 16:00 in New York, of an odd lot.
        assert_eq!(numbered(["1", "8", "24", "12"]), VOLUME);
        assert_eq!(numbered(["1", "30"]), NOT_LAST);
        assert_eq!(numbered(["39"]), PRICE);
    }

    #[test]
    fn tapes_have_letters() {
        assert_eq!(
            ["A", "B", "C", "O", "N", ""].map(Tape::of),
            [
                Some(Tape::Cta),
                Some(Tape::Cta),
                Some(Tape::Utp),
                Some(Tape::Utp),
                None,
                None
            ]
        );
    }
}
