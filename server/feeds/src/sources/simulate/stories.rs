//! The stories of the simulated market. Every sentence was written for it, and none of it happened.

use jiff::Timestamp;
use market::{Action, Basis, Link, Millis, News, NewsType, Symbol};

use crate::sources::simulate::{
    random::Random,
    stocks::{STOCKS, Stock},
};

/// The source of the stories.
pub(super) const SOURCE: &str = "Simulated";

/// A story, and how far it moves its symbols: the logarithm of the price's ratio.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) news: News,
    pub(super) pull: f64,
}

/// The frequency of each type, in relation to the others. A resumption only follows a halt.
pub(super) const WEIGHTS: [(NewsType, f64); 13] = [
    (NewsType::Headline, 30.0),
    (NewsType::PressRelease, 13.0),
    (NewsType::Rating, 14.0),
    (NewsType::Earnings, 6.0),
    (NewsType::Filing, 11.0),
    (NewsType::Insider, 6.0),
    (NewsType::Dividend, 5.0),
    (NewsType::Merger, 3.0),
    (NewsType::Offering, 2.0),
    (NewsType::Management, 4.0),
    (NewsType::Macro, 8.0),
    (NewsType::Notice, 3.0),
    (NewsType::Halt, 3.0),
];

/// Whether a company does this at most once in a session.
pub(super) const fn once(kind: NewsType) -> bool {
    matches!(
        kind,
        NewsType::Earnings
            | NewsType::Dividend
            | NewsType::Merger
            | NewsType::Offering
            | NewsType::Management
    )
}

/// Stories come many times as often as to a real company, so each moves it less than it would.
const IMPACT: f64 = 0.45;

const ANALYSTS: [&str; 8] = [
    "Harbour & Vale",
    "Northgate Securities",
    "Tamarack Research",
    "Bluewater Partners",
    "Old Mill Capital",
    "Sedgemoor",
    "Quill & Stone",
    "Larkspur Advisors",
];

const TARGETS: [&str; 8] = [
    "Brightwater Systems",
    "Copperline",
    "Fernhill Labs",
    "Juniper Street",
    "Kestrel Robotics",
    "Palisade Analytics",
    "Saltmarsh Labs",
    "Wrenfield",
];

const REGIONS: [&str; 8] = [
    "Europe",
    "Southeast Asia",
    "Texas",
    "Japan",
    "Brazil",
    "India",
    "Canada",
    "the Midwest",
];

const OFFICES: [&str; 5] = [
    "finance chief",
    "head of operations",
    "chief technology officer",
    "general counsel",
    "head of sales",
];

/// The story of a type about a stock.
pub(super) fn of_stock(
    kind: NewsType,
    stock: &Stock,
    id: &str,
    time: Millis,
    random: &mut Random,
) -> Story {
    let name = stock.short;
    let price = f64::from(stock.close) / 100.0;
    let subject = *random.pick(&stock.subjects);
    let region = *random.pick(&REGIONS);
    let good = random.chance(0.52);
    let sign = if good { 1.0 } else { -1.0 };
    let mut news = blank(kind, id, time);
    news.symbols = symbol(stock).into_iter().collect();
    let (headline, pull) = match kind {
        NewsType::Rating => {
            let house = *random.pick(&ANALYSTS);
            let target = (f64::from(stock.close) / 100.0
                * (1.0 + sign * random.between(0.05, 0.25)))
            .round();
            let headline = match (good, random.whole(0, 2)) {
                (true, 0) => {
                    format!("{house} raises {name} to buy, sees {subject} demand holding up")
                }
                (true, 1) => format!("{house} lifts its target for {name} to ${target}"),
                (true, _) => {
                    format!("{house} starts {name} at outperform with a target of ${target}")
                }
                (false, 0) => {
                    format!("{house} cuts {name} to hold, citing slower {subject} growth")
                }
                (false, 1) => format!("{house} lowers its target for {name} to ${target}"),
                (false, _) => {
                    format!("{house} starts {name} at underperform with a target of ${target}")
                }
            };
            (headline, sign * random.between(0.006, 0.016))
        }
        NewsType::Earnings => {
            let share = price * random.between(0.006, 0.016);
            let percent = random.whole(2, 14);
            let headline = match (good, random.whole(0, 1)) {
                (true, 0) => format!(
                    "{name} earns ${share:.2} a share, {percent}% more than expected, and raises its outlook"
                ),
                (true, _) => format!("{name} tops estimates as {subject} revenue grows {percent}%"),
                (false, 0) => {
                    format!("{name} earns ${share:.2} a share, {percent}% less than expected")
                }
                (false, _) => {
                    format!("{name} misses estimates and lowers its outlook for {subject}")
                }
            };
            (headline, sign * random.between(0.018, 0.05))
        }
        NewsType::Filing => {
            let (form, what) = *random.pick(&[
                ("8-K", "an agreement with a supplier"),
                ("8-K", "a new credit line"),
                ("8-K", "results of operations"),
                ("10-Q", "the quarter"),
                ("S-3", "a shelf registration"),
                ("SC 13G", "a stake of more than 5%"),
            ]);
            news.form = Some(form.to_owned());
            news.accession = Some(accession(time, random));
            (
                format!("{form}: {} reports {what}", stock.name),
                sign * random.between(0.002, 0.006),
            )
        }
        NewsType::Insider => {
            let shares = random.whole(2, 90) * 500;
            let (verb, pull) = if good {
                ("buys", 0.004)
            } else {
                ("sells", -0.003)
            };
            news.form = Some("4".to_owned());
            news.accession = Some(accession(time, random));
            (
                format!(
                    "Form 4: a director of {name} {verb} {} shares",
                    thousands(shares)
                ),
                pull,
            )
        }
        NewsType::Dividend => {
            let dividend = price * random.between(0.002, 0.008);
            let headline = if random.chance(0.5) {
                format!(
                    "{name} declares a quarterly dividend of ${:.2} a share",
                    dividend
                )
            } else {
                format!("{name} raises its dividend to ${:.2} a share", dividend)
            };
            (headline, random.between(0.003, 0.009))
        }
        NewsType::Merger => {
            let target = *random.pick(&TARGETS);
            let billions = random.between(1.2, 24.0);
            (
                format!(
                    "{name} agrees to buy {target} for ${billions:.1} billion in cash and stock"
                ),
                -random.between(0.008, 0.025),
            )
        }
        NewsType::Offering => {
            let billions = random.between(0.5, 6.0);
            (
                format!("{name} prices an offering of ${billions:.1} billion in convertible notes"),
                -random.between(0.008, 0.02),
            )
        }
        NewsType::Management => {
            let office = *random.pick(&OFFICES);
            let headline = match (good, random.whole(0, 1)) {
                (true, 0) => format!("{name} names a new {office}"),
                (true, _) => format!("{name} extends the contract of its {office}"),
                (false, _) => format!("{name}: the {office} will leave at the end of the quarter"),
            };
            (headline, sign * random.between(0.004, 0.012))
        }
        NewsType::Notice => (
            format!("{name} will hold its annual meeting by video; record date set"),
            sign * random.between(0.0005, 0.001),
        ),
        NewsType::PressRelease => {
            let partner = *random.pick(&TARGETS);
            let headline = match (good, random.whole(0, 3)) {
                (true, 0) => {
                    format!("{name} and {partner} to work together on its {subject} business")
                }
                (true, 1) => {
                    format!("{name} opens a center for its {subject} business in {region}")
                }
                (true, 2) => {
                    format!("{name} unveils its next {subject} line, shipping this quarter")
                }
                (true, _) => format!("{name} authorizes a new buyback program"),
                (false, 0) => format!("{name} postpones its {subject} launch in {region}"),
                (false, 1) => format!("{name} winds down part of its {subject} business"),
                (false, _) => format!("{name} trims {subject} spending for the year"),
            };
            (headline, sign * random.between(0.003, 0.01))
        }
        NewsType::Halt => {
            news.code = Some("T1".to_owned());
            (
                format!(
                    "Trading in {} ({}) halted, news pending",
                    stock.name, stock.symbol
                ),
                0.0,
            )
        }
        NewsType::Resume => {
            news.code = Some("T3".to_owned());
            (
                format!("Trading in {} ({}) resumes", stock.name, stock.symbol),
                0.0,
            )
        }
        _ => {
            let percent = random.whole(3, 19);
            let headline = match (good, random.whole(0, 5)) {
                (true, 0) => format!("{name} shares climb as {subject} orders pick up"),
                (true, 1) => format!("{name} output to win {subject} business in {region}"),
                (true, 2) => format!("Suppliers see {name} lifting {subject} orders by {percent}%"),
                (true, 3) => format!("Survey: {name} gains ground with its {subject} business"),
                (true, 4) => format!("Why {name} could surprise in {subject} this year"),
                (true, _) => format!("{name} expands in {region} faster than planned"),
                (false, 0) => format!("{name} slips as {subject} orders cool"),
                (false, 1) => format!("{name} output to lose {subject} business in {region}"),
                (false, 2) => {
                    format!("Suppliers see {name} cutting {subject} orders by {percent}%")
                }
                (false, 3) => {
                    format!("Survey: rivals catch up with the {subject} business of {name}")
                }
                (false, 4) => format!("{name} faces higher {subject} costs in {region}"),
                (false, _) => format!("Outage hits {name} customers in {region}"),
            };
            (headline, sign * random.between(0.002, 0.008))
        }
    };
    news.headline = headline;
    Story {
        news,
        pull: pull * IMPACT,
    }
}

/// A story of the whole market. Its move is the market's.
pub(super) fn of_market(id: &str, time: Millis, random: &mut Random) -> Story {
    let good = random.chance(0.5);
    let tenth = f64::from(random.whole(1, 4)) / 10.0;
    let mut news = blank(NewsType::Macro, id, time);
    let headlines: [String; 7] = if good {
        [
            format!("Consumer prices rise {tenth:.1}%, less than expected"),
            format!("Retail sales grow {tenth:.1}% in the month"),
            format!("Industrial output rises {tenth:.1}% in the month"),
            "Central bank officials see room for lower rates".to_owned(),
            "Jobless claims fall to the lowest in a year".to_owned(),
            "Small firms are more hopeful than in spring, survey says".to_owned(),
            "Strong demand at an auction of ten-year notes".to_owned(),
        ]
    } else {
        [
            format!("Consumer prices rise {tenth:.1}%, more than expected"),
            format!("Factory orders drop {tenth:.1}% in the month"),
            format!("Housing starts fall {tenth:.1}% in the month"),
            "Central bank officials urge patience on rates".to_owned(),
            "Jobless claims rise for the third week".to_owned(),
            "Purchasing managers report slower new business".to_owned(),
            "Treasury yields jump after a weak auction".to_owned(),
        ]
    };
    news.headline = random.pick(&headlines).clone();
    let size = random.between(0.001, 0.003);
    Story {
        news,
        pull: if good { size } else { -size },
    }
}

/// The symbol of a stock of the table, all of which have one.
pub(super) fn symbol(stock: &Stock) -> Option<Symbol> {
    stock.symbol.parse().ok()
}

/// A random stock of the table, weighted by how often it is quoted.
pub(super) fn subject(random: &mut Random) -> usize {
    random.weighted(STOCKS.iter().map(|stock| stock.activity))
}

fn blank(kind: NewsType, id: &str, time: Millis) -> News {
    let url: Option<Link> = format!("https://example.com/simulated/{id}").parse().ok();
    News {
        id: format!("sim:{id}"),
        kind,
        basis: Basis::Native,
        action: Action::Created,
        symbols: Vec::new(),
        headline: String::new(),
        summary: Some("Simulated: none of this happened.".to_owned()),
        url,
        source: SOURCE.to_owned(),
        published: time,
        form: None,
        accession: None,
        code: None,
    }
}

/// An accession number in EDGAR's form, of a filer that does not exist.
fn accession(time: Millis, random: &mut Random) -> String {
    let year = i64::try_from(time)
        .ok()
        .and_then(|time| Timestamp::from_millisecond(time).ok())
        .map_or(0, |time| {
            time.to_zoned(jiff::tz::TimeZone::UTC).year() % 100
        });
    format!("0009999999-{year:02}-{:06}", random.whole(1, 999_999))
}

/// `12,500`
fn thousands(number: u32) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}
