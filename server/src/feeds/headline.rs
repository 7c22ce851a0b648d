//! What words of a headline say of its type, for sources that give none.
//!
//! It is a guess, and whoever publishes it says so ([`Basis::Inferred`]). Rather none than a wrong
//! one: a rule asks for words that stand together in headlines of its type, and names the idioms
//! that look alike. Where several types match, the one that the headline begins with counts; who
//! announces is asked last, since everything is announced by somebody.
//!
//! [`Basis::Inferred`]: market::Basis::Inferred

use std::sync::LazyLock;

use market::NewsType;

/// The type that the words of a headline suggest, [`NewsType::Headline`] where they suggest none.
pub fn infer(headline: &str) -> NewsType {
    let words = words(headline);
    let found = |rules: &[Rule]| {
        rules
            .iter()
            .filter_map(|rule| Some((rule.begins(&words)?, rule.kind)))
            // The first of several that begin at the same word.
            .min_by_key(|(begin, _)| *begin)
            .map(|(_, kind)| kind)
    };
    found(&RULES)
        .or_else(|| found(&LAST))
        .unwrap_or(NewsType::Headline)
}

/// What a rule is written as: its type, what it asks for, and what must not be there.
///
/// A phrase is words with blanks between them; `a|b` is either word, `#` a number, `*` up to six
/// words of any kind.
type Row = (NewsType, &'static [&'static str], &'static [&'static str]);

/// Ends of `upgrades … to`.
const GRADES: &str = "buy|sell|hold|neutral|outperform|underperform|overweight|underweight|equal|market|sector|strong|positive|negative|peer|reduce|accumulate|junk";

const TABLE: &[Row] = &[
    (
        NewsType::Halt,
        &[
            "trading halt|halts|halted|suspended",
            "halts|suspends trading",
            "trading in|of * halted|suspended",
            "shares|stock halted|suspended",
            "shares|stock are|is|was|were halted|suspended",
            "halted on|for|pending|due|by|after * circuit|news|volatility|limit|nasdaq|nyse",
            "circuit breaker|breakers triggered|tripped|hit|halts|halt|trips",
            "volatility trading pause",
        ],
        &["resumes|resume|resumed|resumption"],
    ),
    (
        NewsType::Resume,
        &[
            "resumes|resume|resumed trading|trade",
            "trading resumes|resume|resumed|resumption",
            "trading to resume",
            "halt lifted",
            "trading|shares|stock * resumes|resume|resumed trading|trade",
        ],
        &["talks", "trade talks|negotiations|relations|war"],
    ),
    (
        NewsType::Notice,
        &[
            "files|filed|filing for * bankruptcy|insolvency",
            "chapter 11|7 * bankruptcy|protection|petition|filing|cases",
            "files|filed|enters for chapter 11|7",
            "delisting notice|notification|determination",
            "notice|notification of * delisting|noncompliance|non",
            "going concern doubt|warning|risk",
            "nasdaq|nyse to delist",
            "to restate * results|statements|financials|earnings",
        ],
        &["exits|exit|emerges|emerge|emerged from"],
    ),
    (
        NewsType::Rating,
        &[
            "upgrades|downgrades|upgraded|downgraded|upgrade|downgrade * to|at|from GRADES",
            "upgrades|downgrades|upgraded|downgraded|upgrade|downgrade by analyst|analysts|jpmorgan|goldman|morgan|moodys|moody|fitch|citi|ubs|barclays",
            "moody|moodys|fitch upgrades|downgrades|cuts|affirms",
            "analyst|analysts upgrade|upgrades|downgrade|downgrades",
            "analyst|analysts upgrades|downgrades",
            "initiates|initiated|starts|started|assumes|assumed|resumes|resumed|begins * coverage",
            "coverage initiated|started|assumed",
            "initiates|initiated|starts|started at|with GRADES",
            "reiterates|maintains|reaffirms|keeps * GRADES rating|on",
            "reiterates|maintains|reaffirms GRADES",
            "reiterates|maintains * GRADES raises|lowers|announces",
            "price target|targets",
            "pt raised|lowered|cut|to",
            "raises|lowers|cuts pt",
        ],
        &[],
    ),
    (
        NewsType::Split,
        &[
            "stock|share|reverse|forward split|splits",
            "# for # * split",
            "split * # for #",
            "splits its|their stock|shares",
            "consolidation of * shares",
            "share consolidation",
        ],
        &["banana split"],
    ),
    (
        NewsType::Insider,
        &[
            "insider|insiders buy|buys|sell|sells|bought|sold|buying|selling|purchase|purchases",
            "insider|insiders|exec|executive|executives|ceo|cfo|coo|cto|president|chairman|director|directors|officer|owner buys|sells|bought|sold|purchases|purchased|unloads|dumps|acquires * shares|stock|stake|worth",
            "form 4 filing|filed|shows",
        ],
        &["trading charges|case|probe|scandal|law"],
    ),
    (
        NewsType::Management,
        &[
            "appoints|appointed|names|named|hires|hired|taps|promotes|elects|selects|elevates|welcomes * ceo|cfo|coo|cto|chief|president|chairman|chairwoman|chair|director|directors|treasurer",
            "appointment|departure|resignation|retirement|death|ouster of * ceo|cfo|coo|cto|chief|president|chairman|chair|director",
            "ceo|cfo|coo|cto|chairman|chairwoman|chair|president|chief|officer|founder * steps|stepping down|aside",
            "ceo|cfo|coo|cto|chairman|chairwoman|officer|founder * resigns|resigned|retires|retiring|departs|departing|ousted|fired|dies|exits|quits",
            "ceo|cfo|coo|cto|chairman|chairwoman|officer|founder * to retire|resign|depart",
            "ceo|cfo|coo|cto|chairman|chairwoman|chair|president|officer|founder * to step down|aside",
            "ceo|leadership|management|cfo transition|succession|change|changes|shakeup|shake",
            "fires|ousts * ceo|cfo|chief|chairman",
            "new ceo|cfo|coo|cto",
            "board changes",
        ],
        &["retires|retire notes|debt"],
    ),
    (
        NewsType::Offering,
        &[
            "public|secondary|direct|stock|share|equity|notes|debt|rights|bought|unit|bond|securities|shelf|atm offering|offerings",
            "offering of * shares|stock|notes|units|securities|warrants|adss|ads|bonds|debentures",
            "prices|priced|upsizes|upsized|announces|closes|pricing * offering",
            "initial public offering",
            "ipo|ipos",
            "private placement",
            "registered direct",
            "at the market program|facility|sales",
            "convertible|senior notes due",
            "secondary sale",
            "files to sell * shares|stock",
            "mixed shelf",
        ],
        &["dogs of", "anniversary|years|year of|since * ipo"],
    ),
    (
        NewsType::Earnings,
        &[
            "q1|q2|q3|q4|1q|2q|3q|4q|fy|h1|h2 * eps|earnings|results|revenue|sales|profit|loss|income|guidance|outlook|forecast|estimates",
            "first|second|third|fourth|1st|2nd|3rd|4th quarter * results|earnings|eps|revenue|revenues|sales|profit|loss|income|guidance|outlook",
            "quarterly|annual|fiscal|interim|preliminary results|earnings|profit|loss|revenue|sales|report",
            "full year|fiscal|half # * results|earnings|eps|guidance|outlook|forecast",
            "full year results|earnings|eps|guidance|outlook|forecast|profit|revenue",
            "fiscal|full|half year|first|second|third|fourth # * results|earnings",
            "earnings beat|beats|miss|misses|call|report|reports|release|results|per|top|tops|preview|scheduled|estimates|estimate|expectations|transcript|guidance|forecast|outlook|surprise|rise|fall|jump|drop|recap|conference",
            "reports|posts|after|ahead|before|beats|misses|tops|strong|weak|upcoming|mixed|on|q1|q2|q3|q4 earnings|eps",
            "ahead of * earnings",
            "eps of|beats|misses|estimate|estimates|consensus|guidance",
            "adj|adjusted|gaap|diluted eps",
            "raises|cuts|lowers|withdraws|reaffirms|affirms|reiterates|narrows|slashes|boosts|lifts|trims|issues|updates|sees * guidance|outlook|forecast",
            "profit|revenue|sales warning|beats|misses|tops",
        ],
        &[
            "earnings season|scheduled|calendar",
            "price to earnings",
            "weather|storm|snow|hurricane forecast|outlook",
            "economic|gdp|growth|inflation|rate outlook|forecast",
        ],
    ),
    (
        NewsType::Merger,
        &[
            "to acquire|merge|buy * for #",
            "to be acquired|bought by",
            "to acquire",
            "to merge with|into",
            "acquires|acquiring",
            "acquired by",
            "agrees|agreed|deal|bid|offer to buy|acquire",
            "acquisition|purchase of * company|business|inc|corp|ltd|llc|group|unit|for|firm|startup|maker",
            "completes|completed|announces|closes|closed|terminates|closing|completion|approves|blocks * acquisition|merger|takeover|buyout",
            "acquisition of",
            "acquisition|takeover|buyout offer|bid|deal|target|talks|proposal",
            "hostile|unsolicited takeover|bid|offer|proposal",
            "merger|mergers agreement|with|talks|of|deal|vote|proposal|plan|between|completed|approved",
            "tender offer",
            "go|going|take|taken|taking private",
            "definitive|business combination agreement",
            "business combination",
        ],
        &[
            "acquired taste|immune",
            "customer|customers|talent|data|user|signal acquisition",
            "acquires|acquire|acquiring|acquired|acquisition|buy * shares|stake|land|property|customers|users",
            "# shares",
            "buyout|buyouts to|for * employees|workers|staff",
            "voluntary buyout|buyouts",
            "notes|bonds|debt tender offer",
            "tender offer for * notes|bonds|debentures",
        ],
    ),
    (
        NewsType::Dividend,
        &[
            "dividend|dividends",
            "cash|quarterly|monthly|special|annual distribution|distributions",
            "declares * distribution|distributions",
        ],
        &[
            "peace|demographic|digital dividend",
            "dividend|dividends stock|stocks|aristocrat|aristocrats|king|kings|etf|etfs|fund|funds|investors|investor|investing|income|portfolio|growth|yields|yield|payers|payer|picks|play|plays|achievers",
            "pay|pays|paid|paying|reap|reaps|yield|yields dividends",
        ],
    ),
    (
        NewsType::Filing,
        &[
            "files|filed|files form|its|annual|quarterly 10|20 k|q|f",
            "files|filed|submits form #",
            "schedule 13d|13g",
            "form 8|10 k|q",
            "files|filed * annual|quarterly report on|with form|sec",
            "13f filing|filings",
        ],
        &[],
    ),
    (
        NewsType::Macro,
        &[
            "federal reserve",
            "fomc",
            "fed cut|cuts|hold|holds|raise|raises|hike|hikes|keeps|leaves|chair|chairman|chief|minutes|officials|official|governor|rate|rates|signals|policy|meeting|powell|president|decision|pause|pauses|funds|speakers",
            "the fed",
            "powell says|speaks|testimony|signals|warns|speech",
            "rate|interest cut|cuts|hike|hikes|decision|rates",
            "cpi|ppi|pce|gdp|pmi|nonfarm|payrolls",
            "consumer|producer price|prices|inflation|confidence|sentiment",
            "inflation data|report|rate|cools|eases|rises|falls|slows|expectations|jumps|accelerates|hits|fears|reading|gauge",
            "jobless|unemployment claims|rate|benefits",
            "jobs report|data",
            "treasury|bond yields|yield|auction",
            "ecb|boe|boj|pboc",
            "bank of england|japan|canada|korea|mexico",
            "european central bank",
            "ism|empire manufacturing|services|state",
            "housing starts",
            "existing|new home sales",
            "us|u.s retail sales",
            "trade deficit|surplus",
            "beige book",
            "durable goods",
            "industrial production",
            "economic growth|outlook|data|calendar",
            "recession",
        ],
        &["recession proof", "fed up"],
    ),
];

/// Asked when no other rule has matched.
const ANNOUNCED: &[Row] = &[(
    NewsType::PressRelease,
    &[
        "announces|announced appointment|launch|availability|completion|closing|expansion|results|partnership|strategic|collaboration|agreement|publication|presentation|date|timing|grant|fda|first|new|positive|topline|receipt|commencement|participation|investment|opening|commercial|data|exclusive|general|addition|acceptance|successful|upcoming|virtual|annual",
        "announces|announced the",
        "to present|presents at * conference|summit|congress|meeting|symposium|forum",
        "to participate|speak in|at",
        "to host * call|webcast|day|meeting",
        "to ring * bell",
        "shareholder|investor|class alert|action|notice|reminder",
        "reminds|encourages investors|shareholders",
        "investors with|who losses|lost",
        "deadline alert|reminder",
        "unveils|introduces|launches new",
    ],
    &[
        "trump|biden|white|president|minister|government|senate|police|governor|mayor * announces|announced",
    ],
)];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| TABLE.iter().map(Rule::new).collect());
static LAST: LazyLock<Vec<Rule>> = LazyLock::new(|| ANNOUNCED.iter().map(Rule::new).collect());

struct Rule {
    kind: NewsType,
    asked: Vec<Phrase>,
    refused: Vec<Phrase>,
}

type Phrase = Vec<Element>;

enum Element {
    /// One of these words.
    Word(Vec<&'static str>),
    /// A word that begins with a digit.
    Number,
    /// Up to [`GAP`] words.
    Gap,
}

/// How many words `*` stands for at the most.
const GAP: usize = 6;

impl Rule {
    fn new((kind, asked, refused): &Row) -> Self {
        let phrases = |texts: &[&'static str]| texts.iter().map(|text| phrase(text)).collect();
        Rule {
            kind: *kind,
            asked: phrases(asked),
            refused: phrases(refused),
        }
    }

    /// The word at which what the rule asks for begins.
    fn begins(&self, words: &[String]) -> Option<usize> {
        let at = |phrase: &Phrase| (0..words.len()).find(|&start| matches(phrase, &words[start..]));
        let begin = self.asked.iter().filter_map(at).min()?;
        let refused = self.refused.iter().any(|phrase| at(phrase).is_some());
        (!refused).then_some(begin)
    }
}

fn phrase(text: &'static str) -> Phrase {
    text.split(' ')
        .map(|element| match element {
            "*" => Element::Gap,
            "#" => Element::Number,
            words => Element::Word(
                words
                    .split('|')
                    .flat_map(|word| match word {
                        "GRADES" => GRADES.split('|').collect(),
                        word => vec![word],
                    })
                    .collect(),
            ),
        })
        .collect()
}

fn matches(phrase: &[Element], words: &[String]) -> bool {
    let Some((element, rest)) = phrase.split_first() else {
        return true;
    };
    match element {
        Element::Gap => (0..=GAP.min(words.len())).any(|skipped| matches(rest, &words[skipped..])),
        Element::Number => words.split_first().is_some_and(|(word, after)| {
            word.starts_with(|c: char| c.is_ascii_digit()) && matches(rest, after)
        }),
        Element::Word(known) => words
            .split_first()
            .is_some_and(|(word, after)| known.contains(&word.as_str()) && matches(rest, after)),
    }
}

/// The words in lower case, without what stands between them and without the `'s` at their ends.
/// No headline has more than some tens; what comes after is not looked at.
fn words(headline: &str) -> Vec<String> {
    headline
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .map(|word| {
            let word = word.to_lowercase().replace('’', "'");
            let word = word.strip_suffix("'s").unwrap_or(&word);
            word.replace('\'', "")
        })
        .filter(|word| !word.is_empty())
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_the_types_of_headlines_as_they_are_written() {
        use NewsType::*;
        for (kind, headline) in [
            (Halt, "Trading Halt: Acme Corp. Halted, News Pending"),
            (Halt, "Acme Shares Halted On Circuit Breaker To The Upside"),
            (Halt, "NYSE Halts Trading In Acme Industries"),
            (Halt, "Trading in shares of Acme halted for volatility"),
            (Resume, "Acme Corp. Shares Resume Trade"),
            (Resume, "Acme To Resume Trading At 10:35 a.m. ET"),
            (Resume, "Acme stock resumes trading after volatility halt"),
            (
                Notice,
                "Acme Retail Files For Chapter 11 Bankruptcy Protection",
            ),
            (Notice, "Acme Receives Nasdaq Delisting Notice"),
            (Rating, "Goldman Sachs Upgrades Acme to Buy"),
            (
                Rating,
                "Morgan Stanley Maintains Overweight on Acme, Raises Price Target to $250",
            ),
            (Rating, "Acme Downgraded To Neutral At JPMorgan"),
            (
                Rating,
                "B of A Securities Initiates Coverage On Acme with Buy Rating",
            ),
            (Rating, "Acme price target cut to $12 from $15 at Barclays"),
            (Rating, "Moody’s downgrades Acme on debt load"),
            (Split, "Acme Announces 10-for-1 Stock Split"),
            (Split, "Acme Board Approves 1-for-20 Reverse Split"),
            (Split, "Acme shares rise ahead of three-for-one stock split"),
            (Insider, "Acme CEO Buys 20,000 Shares In Open Market"),
            (Insider, "Insiders Buying Acme And Two Other Stocks"),
            (
                Insider,
                "Director sold $1.2 million worth of Acme stock: Form 4",
            ),
            (
                Management,
                "Acme Appoints Jane Doe as Chief Financial Officer",
            ),
            (Management, "Acme CEO John Roe to step down"),
            (Management, "Acme Names New CEO"),
            (Management, "Acme finance chief steps down after audit"),
            (
                Offering,
                "Acme Announces Pricing of $150 Million Public Offering of Common Stock",
            ),
            (
                Offering,
                "Acme prices upsized offering of convertible notes",
            ),
            (Offering, "Acme Files For IPO"),
            (Offering, "Acme Announces $30M Registered Direct Offering"),
            (
                Earnings,
                "Acme Q3 EPS $1.40 Beats $1.32 Estimate, Sales $5.1B Beat",
            ),
            (Earnings, "Acme Reports Third Quarter 2024 Results"),
            (Earnings, "Acme Raises FY24 Guidance"),
            (Earnings, "Acme earnings beat estimates on cloud demand"),
            (Earnings, "Acme Announces Second-Quarter Financial Results"),
            (Earnings, "Acme Announces Fiscal Year 2024 Results"),
            (Merger, "Acme To Acquire Widget Co. For $2.1 Billion"),
            (Merger, "Acme Agrees to Buy Rival Widget in All-Stock Deal"),
            (
                Merger,
                "Widget Enters Into Definitive Merger Agreement With Acme",
            ),
            (Merger, "Acme completes acquisition of Widget"),
            (Merger, "Acme to be taken private by Example Partners"),
            (
                Dividend,
                "Acme Declares Quarterly Dividend Of $0.25 Per Share",
            ),
            (Dividend, "Acme raises dividend 10%"),
            (Dividend, "Acme Fund Declares Monthly Distributions"),
            (Dividend, "Acme declares first-quarter dividend"),
            (Filing, "Acme Files Form 8-K"),
            (Macro, "Fed Holds Rates Steady, Signals Two Cuts"),
            (Macro, "US CPI Rises 0.2% In October Vs. 0.3% Est."),
            (Macro, "Initial jobless claims fall to 219,000"),
            (Macro, "Treasury yields jump as Powell speaks"),
            (
                PressRelease,
                "Acme Announces Commercial Launch of Its New Sensor",
            ),
            (
                PressRelease,
                "Acme to Present at the 12th Annual Widget Conference",
            ),
            (
                PressRelease,
                "SHAREHOLDER ALERT: Example LLP Reminds Investors of Deadline",
            ),
        ] {
            assert_eq!(infer(headline), kind, "{headline}");
        }
    }

    #[test]
    fn leaves_alone_what_only_looks_alike() {
        for headline in [
            "Court hands Acme a split decision in patent case",
            "Voters split on Acme stadium plan",
            "Acme splits with longtime partner Widget",
            "Acme halts production at Ohio plant",
            "Acme Resumes Shipments After Storm",
            "US and China resume trade talks",
            "Acme's bet on AI pays dividends",
            "5 Dividend Stocks To Buy Now",
            "This dividend aristocrat has a secret",
            "Acme upgrades its network to 5G",
            "Acme upgrades its checkout software",
            "Coffee is an acquired taste, and so is Acme stock",
            "Acme hires talent acquisition lead",
            "Example Advisors acquires 5,000 shares of Acme",
            "Acme offers voluntary buyouts to factory workers",
            "Acme is offering discounts on laptops",
            "Acme CEO says demand is strong",
            "Acme CEO speaks at Business Insider event",
            "Former banker found guilty of insider trading",
            "Customers are fed up with Acme",
            "President announces new tariffs on steel",
            "Acme names best places to work",
            "Acme stock climbs 4% in early trade",
            "Why Acme Shares Are Trading Higher Today",
            "",
            "—",
        ] {
            assert_eq!(infer(headline), NewsType::Headline, "{headline}");
        }
    }

    #[test]
    fn the_type_that_a_headline_begins_with_counts() {
        for (kind, headline) in [
            (
                NewsType::Earnings,
                "Acme Q3 EPS $1.40 Beats, Declares $0.25 Dividend",
            ),
            (
                NewsType::Management,
                "Acme CEO steps down after earnings miss",
            ),
            (
                NewsType::Macro,
                "Fed rate cut hopes lift banks before earnings",
            ),
            (
                NewsType::Rating,
                "Acme upgraded to Buy from Hold after merger talks",
            ),
        ] {
            assert_eq!(infer(headline), kind, "{headline}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_text(text in "\\PC*") {
            infer(&text);
        }

        #[test]
        fn takes_many_words(words in proptest::collection::vec("(to|acquire|dividend|q3|of|a|for|10|ceo|trading)", 0..300)) {
            infer(&words.join(" "));
        }
    }
}
