//! The titles under which regulatory announcements appear in the UK: "Acme plc - Directorate Change".
//!
//! The title is the end of the headline: a sentence that continues has another meaning.

use market::NewsType;

use super::row::Row;

pub(super) const TITLES: &[Row] = &[
    (
        NewsType::Earnings,
        &[
            "half year|yearly report|results .",
            "half yearly financial report .",
            "interim management statement .",
            "interim|final|preliminary|annual results .",
            "trading statement|update .",
        ],
        &["notice of"],
    ),
    (
        NewsType::Management,
        &[
            "directorate|board change|changes .",
            "change|changes of|in|to directorate|director|directors|board .",
        ],
        &[],
    ),
    (
        NewsType::Insider,
        &[
            "pdmr",
            "director|directors dealing|dealings|shareholding|shareholdings .",
            "persons discharging managerial",
        ],
        &[],
    ),
    (
        NewsType::Merger,
        &[
            "recommended|possible|firm|mandatory|increased|final ?and|final ?all ?cash|share offer for|by|from",
            "scheme of arrangement",
        ],
        &["tickets|staff"],
    ),
    (
        NewsType::Offering,
        &[
            "result|results|completion|closing|launch of ?accelerated|oversubscribed|conditional *3 placing|fundraise|fundraising|bookbuild",
            "proposed|conditional|oversubscribed|successful|accelerated placing|fundraise|fundraising|bookbuild",
            "placing and|to retail|open|subscription|raise",
            "result|results of *3 open|retail offer .",
            "proposed|firm|fully *2 open|retail offer .",
        ],
        &["charity|school"],
    ),
    (
        NewsType::Filing,
        &[
            "form 8.3|8.5|8.1",
            "form 8 opd|dd",
            "tr 1 .",
            "holdings|holding in company .",
        ],
        &[],
    ),
];
