//! The fields of a record by their roles.

use market::TradeEligibility;

use crate::{
    columns::{Columns, Role},
    lines::Lines,
    refused::{Refused, missing, refused, short},
};

/// The fields of a record by their roles.
pub(crate) struct Record<'a, R> {
    pub(crate) lines: &'a Lines<R>,
    pub(crate) columns: &'a Columns,
}

impl<R: std::io::BufRead> Record<'_, R> {
    /// The text of a role; `None` if it is empty or there is no such column.
    pub(crate) fn some(&self, role: Role) -> Result<Option<&str>, Refused> {
        let Some(at) = self.columns.at(role) else {
            return Ok(None);
        };
        match self.lines.field(at) {
            Some("") => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Err(refused("not UTF-8", format!("the {role} is not UTF-8"))),
        }
    }

    /// The text of a required role.
    pub(crate) fn text(&self, role: Role) -> Result<&str, Refused> {
        self.some(role)?.ok_or_else(|| missing(role))
    }

    /// What a trade moves.
    pub(crate) fn moves(&self) -> Result<TradeEligibility, Refused> {
        let Some(text) = self.some(Role::TradeEligibility)? else {
            return Ok(TradeEligibility::ALL);
        };
        let mut moves = TradeEligibility {
            last: false,
            range: false,
            volume: false,
        };
        for word in text.split(' ') {
            match word {
                "last" => moves.last = true,
                "range" => moves.range = true,
                "volume" => moves.volume = true,
                "none" => {}
                _ => {
                    return Err(refused(
                        "not what a trade moves",
                        format!(
                            "{} is not what a trade moves: expected some of last, range and volume, or none",
                            short(text)
                        ),
                    ));
                }
            }
        }
        Ok(moves)
    }

    /// A whole number.
    pub(crate) fn whole(&self, role: Role) -> Result<Option<u64>, Refused> {
        let Some(text) = self.some(role)? else {
            return Ok(None);
        };
        // Programs with only floating point write numbers of trades as 12.0.
        let digits = text.strip_suffix(".0").unwrap_or(text);
        let number = digits
            .parse::<u64>()
            .ok()
            .filter(|number| i64::try_from(*number).is_ok());
        number.map(Some).ok_or_else(|| {
            refused(
                "not a whole number",
                format!("{} is not the {role}: expected a whole number", short(text)),
            )
        })
    }
}
