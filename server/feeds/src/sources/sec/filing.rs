use std::collections::HashMap;

use market::{Action, Basis, Link, Millis, News, NewsType, Symbol};

/// The name of the source.
pub(super) const NAME: &str = "SEC EDGAR";

use crate::kit::markup::{self, Date, Item};

/// The most parties of one filing that are distinguished.
const PARTIES: usize = 50;

/// One entry: a filing, of one of its parties.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub(super) accession: String,
    pub(super) form: String,
    pub(super) link: Option<Link>,
    pub(super) updated: Millis,
    pub(super) items: Vec<(String, String)>,
    pub(super) party: Option<Party>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) cik: u64,
    pub(super) role: Role,
}

/// The role of a party in a filing, the most informative first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The issuer of securities that another party reports to own or to trade.
    Issuer,
    /// The subject of another party's filing.
    Subject,
    /// A filer about itself.
    Filer,
    /// A filer who reports holdings, or files about another party.
    Reporting,
}

pub(super) fn part(entry: &Item) -> Result<Part, String> {
    let title = entry.title.as_ref().map(|title| title.plain());
    let title = title.unwrap_or_default();
    let start: String = title.chars().take(80).collect();
    let accession = entry
        .id
        .as_deref()
        .unwrap_or_default()
        .trim()
        .rsplit_once("accession-number=")
        .map(|(_, number)| number)
        .filter(|number| is_accession(number))
        .ok_or_else(|| format!("the entry {start:?} has no accession number"))?;
    let form = entry
        .categories
        .iter()
        .map(|(_, term)| market::plain(term))
        .find(|term| (1..=20).contains(&term.chars().count()))
        .ok_or_else(|| format!("the entry {start:?} has no form"))?;
    let updated = match &entry.date {
        Date::At(time) => *time,
        Date::Missing => return Err(format!("the entry {start:?} has no time")),
        Date::Unread(text) => {
            return Err(format!(
                "the entry {start:?} at {text:?}: expected a time of RFC 3339"
            ));
        }
    };
    let summary = entry.summary.as_ref().map_or("", |text| text.raw());
    Ok(Part {
        accession: accession.to_owned(),
        party: party(&title, &form),
        items: items(summary),
        form,
        link: entry.link.clone(),
        updated,
    })
}

/// Ten digits of the filer, two of the year, six of the number.
fn is_accession(text: &str) -> bool {
    let is_digits =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], [filer, year, number]
        if is_digits(filer, 10) && is_digits(year, 2) && is_digits(number, 6))
}

/// The party that a title names: `8-K - NAME (CIK) (Filer)`.
fn party(title: &str, form: &str) -> Option<Party> {
    let rest = title.strip_prefix(form).unwrap_or(title);
    let rest = rest.trim_start().strip_prefix("- ").unwrap_or(rest);
    let (rest, role) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    let (name, cik) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    let role = match role {
        "Issuer" => Role::Issuer,
        "Subject" => Role::Subject,
        "Filer" => Role::Filer,
        _ => Role::Reporting,
    };
    Some(Party {
        name: markup::cut(name.trim().to_owned(), 120),
        cik: cik.parse().ok()?,
        role,
    })
}

/// The items of a form 8-K, as `Item 2.02: Results of Operations …` in the lines of a summary.
fn items(summary: &str) -> Vec<(String, String)> {
    let lines = summary.split("<br>").map(markup::text_of);
    let items = lines.filter_map(|line| {
        let (number, title) = line.strip_prefix("Item ")?.split_once(": ")?;
        let is_number = matches!(number.as_bytes(), [a, b'.', b, c]
            if [a, b, c].iter().all(|byte| byte.is_ascii_digit()));
        is_number.then(|| (number.to_owned(), markup::cut(title.to_owned(), 200)))
    });
    items.take(20).collect()
}

/// The meanings of the items of a form 8-K ([the form](https://www.sec.gov/files/form8-k.pdf)), the gravest first. An
/// agreement (1.01) may be a merger and is more often a credit, so it stays a filing; its title names it.
pub const ITEMS: [(&str, NewsType); 8] = [
    ("1.03", NewsType::Notice),
    ("1.05", NewsType::Notice),
    ("3.01", NewsType::Notice),
    ("4.02", NewsType::Notice),
    ("2.02", NewsType::Earnings),
    ("2.01", NewsType::Merger),
    ("5.01", NewsType::Merger),
    ("5.02", NewsType::Management),
];

/// Descriptions of forms, with their types.
pub const FORMS: [(&str, NewsType, &str); 39] = [
    ("3", NewsType::Insider, "first holdings of an insider"),
    ("4", NewsType::Insider, "trade of an insider"),
    ("5", NewsType::Insider, "yearly statement of an insider"),
    ("144", NewsType::Insider, "planned sale of an insider"),
    ("8-K", NewsType::Filing, "current report"),
    ("6-K", NewsType::Filing, "report of a foreign issuer"),
    ("10-K", NewsType::Filing, "annual report"),
    ("10-Q", NewsType::Filing, "quarterly report"),
    ("20-F", NewsType::Filing, "annual report"),
    ("40-F", NewsType::Filing, "annual report"),
    ("11-K", NewsType::Filing, "annual report of a plan"),
    ("DEF 14A", NewsType::Filing, "proxy statement"),
    ("DEFA14A", NewsType::Filing, "more for its proxy statement"),
    ("PRE 14A", NewsType::Filing, "draft of a proxy statement"),
    ("SC 13D", NewsType::Filing, "stake of an active owner"),
    ("SC 13G", NewsType::Filing, "stake of a passive owner"),
    ("SCHEDULE 13D", NewsType::Filing, "stake of an active owner"),
    ("SCHEDULE 13G", NewsType::Filing, "stake of a passive owner"),
    ("13F-HR", NewsType::Filing, "holdings of a manager"),
    ("S-1", NewsType::Offering, "registration of securities"),
    ("S-3", NewsType::Offering, "registration of securities"),
    ("F-1", NewsType::Offering, "registration of securities"),
    ("F-3", NewsType::Offering, "registration of securities"),
    ("424B2", NewsType::Offering, "prospectus"),
    ("424B3", NewsType::Offering, "prospectus"),
    ("424B4", NewsType::Offering, "prospectus"),
    ("424B5", NewsType::Offering, "prospectus"),
    ("D", NewsType::Offering, "private offering"),
    ("425", NewsType::Merger, "statement on a merger"),
    ("S-4", NewsType::Merger, "registration for a merger"),
    ("F-4", NewsType::Merger, "registration for a merger"),
    ("DEFM14A", NewsType::Merger, "proxy statement on a merger"),
    (
        "PREM14A",
        NewsType::Merger,
        "draft of a proxy statement on a merger",
    ),
    ("SC TO-T", NewsType::Merger, "tender offer"),
    ("SC 14D9", NewsType::Merger, "answer to a tender offer"),
    ("NT 10-K", NewsType::Notice, "annual report will be late"),
    ("NT 10-Q", NewsType::Notice, "quarterly report will be late"),
    ("25", NewsType::Notice, "removal from an exchange"),
    ("25-NSE", NewsType::Notice, "removal from an exchange"),
];

/// The known data of a filing.
#[derive(Debug)]
pub(super) struct Filing {
    /// The poll that found it first.
    pub(super) met: u64,
    pub(super) form: String,
    pub(super) link: Option<Link>,
    pub(super) published: Millis,
    pub(super) items: Vec<(String, String)>,
    // In the order in which they were found.
    pub(super) parties: Vec<Party>,
    pub(super) published_news: Option<News>,
}

impl Filing {
    pub(super) fn add(&mut self, party: Option<Party>) {
        let known = |party: &Party| self.parties.iter().any(|other| other.cik == party.cik);
        if let Some(party) = party.filter(|party| !known(party))
            && self.parties.len() < PARTIES
        {
            self.parties.push(party);
        }
    }

    pub(super) fn news(&self, accession: &str, tickers: &HashMap<u64, Vec<Symbol>>) -> News {
        let first = self.parties.iter().map(|party| party.role).min();
        let (about, others): (Vec<&Party>, Vec<&Party>) = self
            .parties
            .iter()
            .partition(|party| Some(party.role) == first);
        let mut symbols: Vec<Symbol> = Vec::new();
        for symbol in about
            .iter()
            .filter_map(|party| tickers.get(&party.cik))
            .flatten()
        {
            if !symbols.contains(symbol) && symbols.len() < PARTIES {
                symbols.push(*symbol);
            }
        }
        let (kind, what) = self.meaning();
        let who = match about[..] {
            [] => NAME.to_owned(),
            [one] => one.name.clone(),
            [one, ..] => format!("{} and {} more", one.name, about.len() - 1),
        };
        let by = match others[..] {
            [] => String::new(),
            [one] => format!(", by {}", one.name),
            [one, ..] => format!(", by {} and {} more", one.name, others.len() - 1),
        };
        let what = if what.is_empty() { "filing" } else { &what };
        let names = |parties: &[&Party]| {
            let names: Vec<&str> = parties.iter().map(|party| party.name.as_str()).collect();
            names.join("; ")
        };
        let mut summary = Vec::new();
        if !self.items.is_empty() {
            let items: Vec<String> = self
                .items
                .iter()
                .map(|(number, title)| format!("Item {number}: {title}"))
                .collect();
            summary.push(items.join("; "));
        }
        if others.len() > 1 {
            summary.push(format!("By {}", names(&others)));
        }
        if about.len() > 1 {
            summary.push(format!("About {}", names(&about)));
        }
        let summary = Some(summary.join(". ")).filter(|summary| !summary.is_empty());
        News {
            id: format!("sec:{accession}"),
            kind,
            basis: match kind {
                NewsType::Filing => Basis::Native,
                _ => Basis::Mapped,
            },
            action: Action::Created,
            symbols,
            headline: markup::cut(format!("{who}: {what}{by} ({})", self.form), 500),
            summary: summary.map(|summary| markup::cut(summary, 4_000)),
            url: self.link.clone(),
            source: NAME.to_owned(),
            published: self.published,
            form: Some(self.form.clone()),
            accession: Some(accession.to_owned()),
            code: None,
        }
    }

    /// The type of a filing, and its description.
    fn meaning(&self) -> (NewsType, String) {
        let base = self.form.strip_suffix("/A").unwrap_or(&self.form);
        let row = FORMS.iter().find(|(form, ..)| *form == base);
        let (mut kind, mut what) = row.map_or((NewsType::Filing, String::new()), |row| {
            (row.1, row.2.to_owned())
        });
        if base == "8-K" {
            let has = |number: &str| self.items.iter().any(|(item, _)| item == number);
            if let Some((_, gravest)) = ITEMS.iter().find(|(number, _)| has(number)) {
                kind = *gravest;
            }
            // Exhibits accompany almost everything and add nothing.
            let titles: Vec<&str> = self
                .items
                .iter()
                .filter(|(number, _)| number != "9.01")
                .map(|(_, title)| title.as_str())
                .collect();
            if !titles.is_empty() {
                what = titles.join("; ");
            }
        }
        (kind, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_has_no_blanks_around_its_name() {
        for title in [
            "8-K - Acme Corp. (0000000077) (Filer)",
            "8-K  -  Acme Corp.  (0000000077) (Filer)",
            // Another dash, or the rest of one.
            "8-K Acme Corp. (0000000077) (Filer)",
        ] {
            let party = party(title, "8-K").unwrap();
            assert_eq!(
                (party.name.as_str(), party.cik),
                ("Acme Corp.", 77),
                "{title}"
            );
        }
        assert!(party("8-K - Acme Corp.", "8-K").is_none());
    }
}
