//! The columns of a file and their roles.

use std::{fmt, str::FromStr};

/// The role of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// The time: a bar's start, or a trade's time.
    Time,
    /// The time of day, if [`Role::Time`] is only a day.
    Clock,
    /// The symbol.
    Symbol,
    /// A bar's first price.
    Open,
    /// A bar's highest price.
    High,
    /// A bar's lowest price.
    Low,
    /// A bar's last price.
    Close,
    /// A bar's volume.
    Volume,
    /// A bar's average price.
    Vwap,
    /// A bar's number of trades.
    Trades,
    /// A trade's price.
    Price,
    /// A trade's size.
    Size,
    /// The source's number of a trade.
    Id,
    /// What a trade moves, unless it moves everything: `last`, `range` and `volume`, or `none`.
    TradeEligibility,
    /// The feed that published a trade: the numbers of different feeds are different trades.
    Feed,
    /// Of a day: the number of shares for each earlier one, 1 for a day without a split.
    Split,
    /// Of a day: the dividend per share, 0 for a day without one.
    Dividend,
}

impl Role {
    pub(crate) const ALL: [Role; 17] = [
        Role::Time,
        Role::Clock,
        Role::Symbol,
        Role::Open,
        Role::High,
        Role::Low,
        Role::Close,
        Role::Volume,
        Role::Vwap,
        Role::Trades,
        Role::Price,
        Role::Size,
        Role::Id,
        Role::TradeEligibility,
        Role::Feed,
        Role::Split,
        Role::Dividend,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Role::Time => "time",
            Role::Clock => "clock",
            Role::Symbol => "symbol",
            Role::Open => "open",
            Role::High => "high",
            Role::Low => "low",
            Role::Close => "close",
            Role::Volume => "volume",
            Role::Vwap => "vwap",
            Role::Trades => "trades",
            Role::Price => "price",
            Role::Size => "size",
            Role::Id => "id",
            Role::TradeEligibility => "moves",
            Role::Feed => "feed",
            Role::Split => "split",
            Role::Dividend => "dividend",
        }
    }

    /// The headers of its column, in letters and digits only; the likeliest first.
    const fn headers(self) -> &'static [&'static str] {
        match self {
            Role::Time => &[
                "time",
                "timestamp",
                "datetime",
                "date",
                "opentime",
                "start",
                "begin",
                "windowstart",
                "unixtimestamp",
                "unixtime",
                "unix",
                "day",
                "transacttime",
                "ts",
                "t",
            ],
            Role::Clock => &["time", "timeofday", "clock"],
            Role::Symbol => &[
                "symbol",
                "ticker",
                "stock",
                "instrument",
                "pair",
                "product",
                "name",
                "sym",
                "s",
            ],
            Role::Open => &["open", "openprice", "1open", "o"],
            Role::High => &["high", "highprice", "2high", "h"],
            Role::Low => &["low", "lowprice", "3low", "l"],
            Role::Close => &["close", "closelast", "closeprice", "4close", "last", "c"],
            Role::Volume => &["volume", "5volume", "6volume", "vol", "v"],
            Role::Vwap => &["vwap", "averageprice", "vw"],
            Role::Trades => &[
                "trades",
                "transactions",
                "numberoftrades",
                "tradecount",
                "tradescount",
                "count",
                "n",
            ],
            Role::Price => &["price", "tradeprice", "p"],
            Role::Size => &[
                "size", "quantity", "qty", "amount", "volume", "vol", "q", "v",
            ],
            Role::Id => &["id", "tradeid", "aggtradeid", "i"],
            Role::TradeEligibility => &["moves"],
            Role::Feed => &["feed"],
            Role::Split => &[
                "splitratio",
                "split",
                "stocksplits",
                "splitcoefficient",
                "8splitcoefficient",
            ],
            Role::Dividend => &[
                "exdividend",
                "dividend",
                "dividends",
                "divcash",
                "dividendamount",
                "7dividendamount",
            ],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Columns as a person gives them: `time=Date,close=Last`, by their headers or by their numbers from 1; without a name
/// after the sign there is no such column. `time=Date+Time` are two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping(pub(crate) Vec<(Role, String)>);

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mapping: Vec<(Role, String)> = Vec::new();
        for part in text.split(',') {
            let known = part.split_once('=').and_then(|(role, header)| {
                let role = role.trim().to_lowercase();
                let role = Role::ALL.into_iter().find(|known| known.name() == role)?;
                Some((role, header.trim()))
            });
            let Some((role, header)) = known else {
                let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
                return Err(format!(
                    "{part:?} is no column: expected WHAT=HEADER, with one of {}",
                    names.join(" ")
                ));
            };
            let mut put = |role: Role, header: &str| {
                let twice = mapping.iter().any(|(known, _)| *known == role);
                mapping.push((role, header.to_owned()));
                if twice {
                    Err(format!("{role} is given twice: expected one column of it"))
                } else {
                    Ok(())
                }
            };
            match header.split_once('+') {
                Some((day, clock)) if role == Role::Time => {
                    put(Role::Time, day.trim())?;
                    put(Role::Clock, clock.trim())?;
                }
                _ => put(role, header)?,
            }
        }
        Ok(Mapping(mapping))
    }
}

impl Mapping {
    /// Whether it gives the column of a role, or that there is none.
    pub(crate) fn names(&self, role: Role) -> bool {
        self.0.iter().any(|(given, _)| *given == role)
    }

    /// Whether all columns are given by numbers, for a file without a header.
    pub(crate) fn is_by_number(&self) -> bool {
        let mut named = self
            .0
            .iter()
            .filter(|(_, header)| !header.is_empty())
            .peekable();
        named.peek().is_some() && named.all(|(_, header)| header.parse::<usize>().is_ok())
    }
}

/// The kind of rows in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bars,
    Trades,
}

/// The column of each role, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) kind: Kind,
    at: [Option<usize>; Role::ALL.len()],
}

impl Columns {
    /// Finds the columns of a file by its header, unless the mapping gives them.
    ///
    /// # Errors
    /// The missing columns, with the header.
    pub(crate) fn find(header: &[String], mapping: &Mapping) -> Result<Self, String> {
        let mut columns = Columns {
            kind: Kind::Bars,
            at: [None; Role::ALL.len()],
        };
        let by_number = mapping.is_by_number();
        for (role, named) in &mapping.0 {
            if named.is_empty() {
                continue;
            }
            let exact = || header.iter().position(|header| header == named);
            let any_case = || {
                header
                    .iter()
                    .position(|header| header.eq_ignore_ascii_case(named))
            };
            let number = || {
                let number: usize = named.parse().ok()?;
                (1..=header.len()).contains(&number).then(|| number - 1)
            };
            let found = if by_number {
                number()
            } else {
                exact().or_else(any_case).or_else(number)
            };
            let Some(found) = found else {
                return Err(format!(
                    "there is no column {named:?} for {role}: expected one of {}, or a number from 1 to {}",
                    shown(header),
                    header.len()
                ));
            };
            columns.at[*role as usize] = Some(found);
        }
        if !by_number {
            columns.guess(header, mapping);
        }
        let bars = [Role::Open, Role::High, Role::Low, Role::Close];
        let at = columns.at;
        let has = |role: Role| at[role as usize].is_some();
        if let Some(name) = columns.ambiguous(header, by_number, mapping) {
            let chosen = Role::ALL
                .into_iter()
                .filter_map(|role| Some(format!("{role}={}", columns.at(role)? + 1)));
            return Err(format!(
                "{} columns are called {name:?}: expected those that are meant by their numbers, as in --columns {}",
                header.iter().filter(|other| *other == name).count(),
                chosen.collect::<Vec<_>>().join(",")
            ));
        }
        let missing: Vec<&str> = if has(Role::Price) && !bars.into_iter().all(has) {
            columns.kind = Kind::Trades;
            [Role::Time]
                .into_iter()
                .filter(|role| !has(*role))
                .map(Role::name)
                .collect()
        } else {
            let needed = [Role::Time].into_iter().chain(bars);
            needed.filter(|role| !has(*role)).map(Role::name).collect()
        };
        if missing.is_empty() {
            return Ok(columns);
        }
        Err(format!(
            "no column for {} among {}: expected time, open, high, low and close for bars, or time and price for trades; name them with --columns",
            missing.join(", "),
            shown(header)
        ))
    }

    /// The name of a column that was chosen by it, though another one has it too.
    fn ambiguous<'a>(
        &self,
        header: &'a [String],
        by_number: bool,
        mapping: &Mapping,
    ) -> Option<&'a String> {
        let is_number = |named: &str| named.parse::<usize>().is_ok();
        let by_name = |role: &Role| {
            let given = mapping.0.iter().find(|(known, _)| known == role);
            !by_number && given.is_none_or(|(_, named)| !is_number(named))
        };
        let mut chosen = Role::ALL
            .into_iter()
            .filter(by_name)
            .filter_map(|role| header.get(self.at(role)?));
        chosen.find(|name| header.iter().filter(|other| other == name).count() > 1)
    }

    fn guess(&mut self, header: &[String], mapping: &Mapping) {
        let plain: Vec<String> = header
            .iter()
            .map(|header| {
                header
                    .chars()
                    .filter(|c| c.is_alphanumeric())
                    .collect::<String>()
                    .to_lowercase()
            })
            .collect();
        let find = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| plain.iter().position(|header| header == name))
        };
        let is_given = |role: Role| mapping.0.iter().any(|(known, _)| *known == role);
        // A day and a time of day in two columns.
        let days = ["date", "day", "tradedate"];
        if !is_given(Role::Time)
            && !is_given(Role::Clock)
            && let (Some(day), Some(clock)) = (find(&days), find(Role::Clock.headers()))
        {
            self.at[Role::Time as usize] = Some(day);
            self.at[Role::Clock as usize] = Some(clock);
        }
        let trades = !is_given(Role::Open) && find(Role::Open.headers()).is_none();
        for role in Role::ALL {
            let of_trades = matches!(
                role,
                Role::Price | Role::Size | Role::Id | Role::TradeEligibility | Role::Feed
            );
            let of_both = matches!(role, Role::Time | Role::Symbol);
            if is_given(role) || role == Role::Clock || !(of_both || of_trades == trades) {
                continue;
            }
            if self.at[role as usize].is_none() {
                let free = |at: &usize| !self.at.contains(&Some(*at));
                self.at[role as usize] = find(role.headers()).filter(free);
            }
        }
    }

    /// The column of a role.
    pub(crate) fn at(&self, role: Role) -> Option<usize> {
        self.at[role as usize]
    }

    /// The columns found, for a person: `time from Date, open from Open`.
    pub(crate) fn describe(&self, header: &[String]) -> String {
        let found = Role::ALL.into_iter().filter_map(|role| {
            let at = self.at(role)?;
            let name = header.get(at).filter(|name| !name.is_empty());
            Some(match name {
                Some(name) if name.eq_ignore_ascii_case(role.name()) => role.name().to_owned(),
                Some(name) => format!("{role} from {name}"),
                None => format!("{role} from column {}", at + 1),
            })
        });
        found.collect::<Vec<_>>().join(", ")
    }
}

fn shown(header: &[String]) -> String {
    let shown: String = header.join(", ").chars().take(300).collect();
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &str, mapping: &str) -> Result<(Kind, String), String> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let mapping = match mapping {
            "" => Mapping::default(),
            mapping => mapping.parse()?,
        };
        let columns = Columns::find(&header, &mapping)?;
        Ok((columns.kind, columns.describe(&header)))
    }

    #[test]
    fn guesses_the_columns_of_well_known_files() {
        for (header, kind, found) in [
            (
                ",Date,Open,High,Low,Close,Volume,ExDividend,SplitRatio,AdjOpen,AdjHigh,AdjLow,AdjClose,AdjVolume,Stock",
                Kind::Bars,
                "time from Date, symbol from Stock, open, high, low, close, volume, split from SplitRatio, dividend from ExDividend",
            ),
            (
                "Date,Close/Last,Volume,Open,High,Low",
                Kind::Bars,
                "time from Date, open, high, low, close from Close/Last, volume",
            ),
            (
                "ticker,volume,open,close,high,low,window_start,transactions",
                Kind::Bars,
                "time from window_start, symbol from ticker, open, high, low, close, volume, trades from transactions",
            ),
            (
                "Date,Time,Open,High,Low,Close,Vol",
                Kind::Bars,
                "time from Date, clock from Time, open, high, low, close, volume from Vol",
            ),
            (
                "id,price,qty,quote_qty,time,is_buyer_maker",
                Kind::Trades,
                "time, price, size from qty, id",
            ),
            (
                "timestamp,price,volume",
                Kind::Trades,
                "time from timestamp, price, size from volume",
            ),
            (
                "symbol,time,open,high,low,close,volume,vwap,trades,split,dividend",
                Kind::Bars,
                "time, symbol, open, high, low, close, volume, vwap, trades, split, dividend",
            ),
        ] {
            assert_eq!(find(header, ""), Ok((kind, found.to_owned())), "{header}");
        }
    }

    #[test]
    fn a_mapping_overrides_the_header() {
        for (header, mapping, found) in [
            (
                "a,b,c,d,e,Volume",
                "time=a,open=b,high=c,low=D,close=5",
                "time from a, open from b, high from c, low from d, close from e, volume",
            ),
            (
                "date,time,open,high,low,close,adjclose",
                "time=date,close=adjclose",
                "time from date, open, high, low, close from adjclose",
            ),
            (
                "d,t,price,id",
                "time=d+t,id=",
                "time from d, clock from t, price",
            ),
        ] {
            assert_eq!(find(header, mapping).unwrap().1, found, "{header}");
        }
        let bare = find(
            "1704189600,1,2,3,4,5",
            "time=1,open=2,high=4,low=3,close=5,volume=6",
        );
        assert!(bare.is_ok());
        assert!("time=1,close=".parse::<Mapping>().unwrap().is_by_number());
    }

    #[test]
    fn reports_missing_and_invalid_columns() {
        for (header, mapping, words) in [
            ("Date,Open,High,Low", "", "no column for close"),
            ("a,b", "", "no column for time, open, high, low, close"),
            ("price,size", "", "no column for time among"),
            ("Date,Open", "close=Last", "no column \"Last\" for close"),
            ("Date,Open", "closing=Last", "\"closing=Last\" is no column"),
            ("Date,Open", "open", "\"open\" is no column"),
            ("Date,Open", "open=1,open=2", "open is given twice"),
            ("Date,Open", "open=9", "no column \"9\" for open"),
            (
                "Date,Open,High,Low,Close,Close",
                "",
                "2 columns are called \"Close\": expected those that are meant by their numbers, as in --columns time=1,open=2,high=3,low=4,close=5",
            ),
        ] {
            let error = find(header, mapping).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let twice = "Date,Open,High,Low,Close,Note,Close,Note";
        for mapping in ["time=1,open=2,high=3,low=4,close=7", "time=Date,close=7"] {
            let columns = find(twice, mapping).unwrap();
            assert_eq!(
                columns.1, "time from Date, open, high, low, close",
                "{mapping}"
            );
        }
    }
}
