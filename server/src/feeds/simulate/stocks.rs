//! What is traded in the simulated market.

/// A stock as the simulation knows it. Names are real, everything that happens to them is not.
#[derive(Debug)]
pub(super) struct Stock {
    pub(super) symbol: &'static str,
    /// The name of the company as it is registered.
    pub(super) name: &'static str,
    /// The name as headlines say it.
    pub(super) short: &'static str,
    pub(super) venue: &'static str,
    pub(super) sector: Sector,
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

    /// What news of such a company is about.
    pub(super) const fn subjects(self) -> [&'static str; 6] {
        match self {
            Sector::Software => [
                "cloud",
                "security",
                "data platform",
                "enterprise",
                "developer tools",
                "analytics",
            ],
            Sector::Chips => [
                "accelerator",
                "data-center",
                "automotive chip",
                "memory",
                "networking",
                "foundry",
            ],
            Sector::Internet => [
                "advertising",
                "streaming",
                "marketplace",
                "search",
                "mobile",
                "subscription",
            ],
            Sector::Finance => [
                "card",
                "lending",
                "trading",
                "wealth management",
                "payments",
                "custody",
            ],
            Sector::Health => [
                "diabetes",
                "oncology",
                "vaccine",
                "insurance",
                "obesity-drug",
                "diagnostics",
            ],
            Sector::Consumer => [
                "grocery",
                "beverage",
                "home improvement",
                "membership",
                "footwear",
                "delivery",
            ],
            Sector::Energy => [
                "refining",
                "shale",
                "natural gas",
                "offshore",
                "pipeline",
                "carbon storage",
            ],
        }
    }
}

const NASDAQ: &str = "Nasdaq";
const NYSE: &str = "NYSE";

macro_rules! stocks {
    ($($symbol:literal $name:literal $short:literal $venue:ident $sector:ident $close:literal $beta:literal $volatility:literal $activity:literal;)*) => {
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
        }),*]
    };
}

/// Every stock, in the order in which the random numbers are drawn for them.
pub(super) static STOCKS: [Stock; 30] = stocks! {
    "AAPL" "Apple Inc."                      "Apple"               NASDAQ Consumer 226_80 1.05 0.010 2.2;
    "ABBV" "AbbVie Inc."                     "AbbVie"              NYSE   Health   187_40 0.55 0.010 0.6;
    "ADBE" "Adobe Inc."                      "Adobe"               NASDAQ Software 498_15 1.15 0.013 0.7;
    "AMD"  "Advanced Micro Devices, Inc."    "AMD"                 NASDAQ Chips    142_35 1.60 0.018 1.6;
    "AMZN" "Amazon.com, Inc."                "Amazon"              NASDAQ Internet 201_70 1.20 0.012 1.8;
    "AVGO" "Broadcom Inc."                   "Broadcom"            NASDAQ Chips    172_90 1.35 0.015 1.1;
    "BAC"  "Bank of America Corporation"     "Bank of America"     NYSE   Finance   45_60 1.10 0.010 0.8;
    "COIN" "Coinbase Global, Inc."           "Coinbase"            NASDAQ Finance  296_40 1.90 0.028 1.3;
    "COST" "Costco Wholesale Corporation"    "Costco"              NASDAQ Consumer 912_25 0.75 0.009 0.6;
    "CRM"  "Salesforce, Inc."                "Salesforce"          NYSE   Software 328_10 1.15 0.013 0.8;
    "CVX"  "Chevron Corporation"             "Chevron"             NYSE   Energy   160_55 0.75 0.009 0.6;
    "DIS"  "The Walt Disney Company"         "Disney"              NYSE   Internet 113_90 1.05 0.011 0.7;
    "GOOG" "Alphabet Inc."                   "Alphabet"            NASDAQ Internet 178_65 1.10 0.011 2.0;
    "HD"   "The Home Depot, Inc."            "Home Depot"          NYSE   Consumer 402_30 0.95 0.009 0.6;
    "INTC" "Intel Corporation"               "Intel"               NASDAQ Chips     24_45 1.20 0.019 1.0;
    "JNJ"  "Johnson & Johnson"               "Johnson & Johnson"   NYSE   Health   154_20 0.45 0.008 0.6;
    "JPM"  "JPMorgan Chase & Co."            "JPMorgan"            NYSE   Finance  243_75 1.05 0.009 0.9;
    "KO"   "The Coca-Cola Company"           "Coca-Cola"           NYSE   Consumer  63_35 0.45 0.006 0.6;
    "LLY"  "Eli Lilly and Company"           "Eli Lilly"           NYSE   Health   752_60 0.65 0.014 0.7;
    "META" "Meta Platforms, Inc."            "Meta"                NASDAQ Internet 561_90 1.25 0.013 1.4;
    "MSFT" "Microsoft Corporation"           "Microsoft"           NASDAQ Software 417_20 1.00 0.009 1.7;
    "NFLX" "Netflix, Inc."                   "Netflix"             NASDAQ Internet 883_40 1.20 0.015 0.9;
    "NKE"  "NIKE, Inc."                      "Nike"                NYSE   Consumer  75_85 0.95 0.013 0.6;
    "NVDA" "NVIDIA Corporation"              "Nvidia"              NASDAQ Chips    145_10 1.65 0.017 2.4;
    "ORCL" "Oracle Corporation"              "Oracle"              NYSE   Software 189_50 1.10 0.013 0.8;
    "PFE"  "Pfizer Inc."                     "Pfizer"              NYSE   Health    25_70 0.55 0.010 0.7;
    "TSLA" "Tesla, Inc."                     "Tesla"               NASDAQ Consumer 346_20 1.80 0.024 2.2;
    "V"    "Visa Inc."                       "Visa"                NYSE   Finance  311_35 0.85 0.008 0.7;
    "WMT"  "Walmart Inc."                    "Walmart"             NYSE   Consumer  88_45 0.55 0.007 0.7;
    "XOM"  "Exxon Mobil Corporation"         "Exxon Mobil"         NYSE   Energy   119_60 0.80 0.010 0.8;
};
