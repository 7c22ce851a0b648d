//! The stocks of the simulated market.

/// A stock of the simulation. Names are real, all events are not.
#[derive(Debug)]
pub(super) struct Stock {
    pub(super) symbol: &'static str,
    /// The registered name of the company.
    pub(super) name: &'static str,
    /// The name in headlines.
    pub(super) short: &'static str,
    pub(super) venue: &'static str,
    pub(super) sector: Sector,
    /// The subjects of its news; each reads well after `its` and before `orders`.
    pub(super) subjects: [&'static str; 4],
    /// The close before the first session, in cents.
    pub(super) close: u32,
    /// How far it follows the market.
    pub(super) beta: f64,
    /// Its own volatility over a session, beside that of the market and its sector.
    pub(super) volatility: f64,
    /// How often it is quoted, in relation to the others.
    pub(super) activity: f64,
}

/// Companies that move together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sector {
    Software,
    Chips,
    Internet,
    Finance,
    Health,
    Consumer,
    Energy,
}

impl Sector {
    pub(super) const COUNT: usize = 7;
}

const NASDAQ: &str = "Nasdaq";
const NYSE: &str = "NYSE";

macro_rules! stocks {
    ($($symbol:literal $name:literal $short:literal $venue:ident $sector:ident $close:literal $beta:literal $volatility:literal $activity:literal $subjects:tt;)*) => {
        [$(Stock {
            symbol: $symbol,
            name: $name,
            short: $short,
            venue: $venue,
            sector: Sector::$sector,
            close: $close,
            beta: $beta,
            volatility: $volatility,
            activity: $activity,
            subjects: $subjects,
        }),*]
    };
}

/// Every stock, in the order in which the random numbers are drawn for them.
pub(super) static STOCKS: [Stock; 30] = stocks! {
    "AAPL" "Apple Inc."                      "Apple"               NASDAQ Consumer 22680  1.05 0.010 2.2 ["smartphone", "tablet", "wearables", "app store"];
    "ABBV" "AbbVie Inc."                     "AbbVie"              NYSE   Health   18740  0.55 0.010 0.6 ["immunology", "migraine drug", "aesthetics", "oncology"];
    "ADBE" "Adobe Inc."                      "Adobe"               NASDAQ Software 49815  1.15 0.013 0.7 ["creative software", "document", "video tools", "marketing software"];
    "AMD"  "Advanced Micro Devices, Inc."    "AMD"                 NASDAQ Chips    14235  1.60 0.018 1.6 ["data-center", "graphics", "laptop chip", "accelerator"];
    "AMZN" "Amazon.com, Inc."                "Amazon"              NASDAQ Internet 20170  1.20 0.012 1.8 ["cloud", "marketplace", "grocery", "advertising"];
    "AVGO" "Broadcom Inc."                   "Broadcom"            NASDAQ Chips    17290  1.35 0.015 1.1 ["networking chip", "custom accelerator", "mainframe software", "broadband chip"];
    "BAC"  "Bank of America Corporation"     "Bank of America"     NYSE   Finance   4560  1.10 0.010 0.8 ["mortgage", "credit card", "wealth management", "trading"];
    "COIN" "Coinbase Global, Inc."           "Coinbase"            NASDAQ Finance  29640  1.90 0.028 1.3 ["custody", "staking", "derivatives", "stablecoin"];
    "COST" "Costco Wholesale Corporation"    "Costco"              NASDAQ Consumer 91225  0.75 0.009 0.6 ["membership", "grocery", "fuel", "e-commerce"];
    "CRM"  "Salesforce, Inc."                "Salesforce"          NYSE   Software 32810  1.15 0.013 0.8 ["sales software", "service software", "data platform", "messaging"];
    "CVX"  "Chevron Corporation"             "Chevron"             NYSE   Energy   16055  0.75 0.009 0.6 ["shale", "offshore", "natural gas", "refining"];
    "DIS"  "The Walt Disney Company"         "Disney"              NYSE   Internet 11390  1.05 0.011 0.7 ["streaming", "theme park", "cruise", "sports"];
    "GOOG" "Alphabet Inc."                   "Alphabet"            NASDAQ Internet 17865  1.10 0.011 2.0 ["search", "cloud", "video advertising", "smartphone"];
    "HD"   "The Home Depot, Inc."            "Home Depot"          NYSE   Consumer 40230  0.95 0.009 0.6 ["lumber", "garden", "contractor", "appliance"];
    "INTC" "Intel Corporation"               "Intel"               NASDAQ Chips     2445  1.20 0.019 1.0 ["foundry", "laptop chip", "server chip", "packaging"];
    "JNJ"  "Johnson & Johnson"               "Johnson & Johnson"   NYSE   Health   15420  0.45 0.008 0.6 ["oncology", "surgery", "orthopedics", "vision"];
    "JPM"  "JPMorgan Chase & Co."            "JPMorgan"            NYSE   Finance  24375  1.05 0.009 0.9 ["trading", "mortgage", "advisory", "credit card"];
    "KO"   "The Coca-Cola Company"           "Coca-Cola"           NYSE   Consumer  6335  0.45 0.006 0.6 ["soft drink", "coffee", "juice", "sports drink"];
    "LLY"  "Eli Lilly and Company"           "Eli Lilly"           NYSE   Health   75260  0.65 0.014 0.7 ["obesity drug", "diabetes", "oncology", "migraine drug"];
    "META" "Meta Platforms, Inc."            "Meta"                NASDAQ Internet 56190  1.25 0.013 1.4 ["advertising", "headset", "messaging", "short video"];
    "MSFT" "Microsoft Corporation"           "Microsoft"           NASDAQ Software 41720  1.00 0.009 1.7 ["cloud", "office software", "gaming", "security"];
    "NFLX" "Netflix, Inc."                   "Netflix"             NASDAQ Internet 88340  1.20 0.015 0.9 ["streaming", "advertising tier", "live event", "gaming"];
    "NKE"  "NIKE, Inc."                      "Nike"                NYSE   Consumer  7585  0.95 0.013 0.6 ["footwear", "apparel", "running shoe", "outlet"];
    "NVDA" "NVIDIA Corporation"              "Nvidia"              NASDAQ Chips    14510  1.65 0.017 2.4 ["accelerator", "networking", "gaming chip", "data-center"];
    "ORCL" "Oracle Corporation"              "Oracle"              NYSE   Software 18950  1.10 0.013 0.8 ["cloud", "database", "health software", "data-center"];
    "PFE"  "Pfizer Inc."                     "Pfizer"              NYSE   Health    2570  0.55 0.010 0.7 ["vaccine", "oncology", "antiviral", "rare disease"];
    "TSLA" "Tesla, Inc."                     "Tesla"               NASDAQ Consumer 34620  1.80 0.024 2.2 ["electric car", "battery storage", "truck", "charging"];
    "V"    "Visa Inc."                       "Visa"                NYSE   Finance  31135  0.85 0.008 0.7 ["card", "cross-border payment", "tap-to-pay", "fraud detection"];
    "WMT"  "Walmart Inc."                    "Walmart"             NYSE   Consumer  8845  0.55 0.007 0.7 ["grocery", "e-commerce", "pharmacy", "advertising"];
    "XOM"  "Exxon Mobil Corporation"         "Exxon Mobil"         NYSE   Energy   11960  0.80 0.010 0.8 ["refining", "shale", "chemicals", "natural gas"];
};
