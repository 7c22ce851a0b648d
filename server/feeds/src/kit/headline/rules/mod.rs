//! The phrases that each type requires, and those that exclude it.

mod dividends;
mod earnings;
mod economy;
mod mergers;
mod notices;
mod offerings;
mod people;
mod ratings;
mod row;
mod silent;
mod titles;
mod trading;

pub(super) use row::Row;

/// The rules. If two begin at the same word, the first one counts.
pub(super) const TABLES: &[&[Row]] = &[
    trading::TABLE,
    notices::INSOLVENCY,
    ratings::TABLE,
    people::TABLE,
    offerings::TABLE,
    earnings::TABLE,
    mergers::TABLE,
    dividends::TABLE,
    notices::FILINGS,
    economy::TABLE,
    titles::TITLES,
];

/// No type may be inferred if one of these occurs.
pub(super) const SILENT: &[&[&str]] = &[silent::OPINION, silent::ELSEWHERE];
