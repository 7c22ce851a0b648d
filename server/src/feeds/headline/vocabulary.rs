//! The words that the rules share.

/// Macros of the phrases: a name, and the phrases that it stands for.
pub(super) const MACROS: &[(&str, &[&str])] = &[
    ("BE", &["is|are|was|were|be|been"]),
    ("OWN", &["its|their|his|her|the|a|an"]),
    (
        "NUM",
        &[
            "#",
            "two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|forty|fifty",
        ],
    ),
    // Grades that are no verbs.
    (
        "CLEAR_GRADE",
        &[
            "outperform|underperform|overweight|underweight|equalweight",
            "equal weight",
            "market|sector|peer perform|outperform|underperform",
        ],
    ),
    (
        "GRADES",
        &[
            "buy|sell|hold|neutral|outperform|underperform|overweight|underweight|equalweight|equal|perform|market|sector|strong|positive|negative|peer|reduce|accumulate|junk|add|conviction",
        ],
    ),
    (
        "BROKER",
        &[
            "analyst|analysts|jpmorgan|goldman|citi|citigroup|ubs|barclays|jefferies|keybanc|stifel|cowen|mizuho|evercore|bernstein|oppenheimer|needham|baird|wedbush|piper|truist|hsbc|bofa|nomura|macquarie|guggenheim|argus|redburn|rbc|bmo|scotiabank|cibc|desjardins|berenberg|kepler|exane|investec|btig|leerink|kbw|wolfe|melius|wainwright|stephens|clsa|daiwa|cfra|davidson|morningstar|loop|rosenblatt|benchmark|canaccord|susquehanna",
            "morgan stanley",
            "deutsche bank",
            "wells fargo",
            "raymond james",
            "rbc capital",
            "bank of america",
            "credit suisse",
        ],
    ),
    (
        "AGENCY",
        &[
            "moodys|moody|fitch|dbrs|kroll",
            "s&p !500|index|futures|midcap|smallcap",
            "s&p global ?ratings",
            "fitch|moodys|scope|dbrs ratings|morningstar",
            "a m best",
            "am best",
        ],
    ),
    (
        "UPDOWN",
        &["upgrades|downgrades|upgraded|downgraded|upgrade|downgrade"],
    ),
    (
        "REVISES",
        &[
            "cuts|cut|lowers|lowered|raises|raised|revises|revised|changes|changed|slashes|downgrades|upgrades|affirms|affirmed|places|puts|assigns|withdraws|confirms|moves",
        ],
    ),
    (
        "TITLE",
        &[
            "ceo|cfo|coo|cto|cio|cmo|cro",
            "chief OFFICE",
            "finance|operations|technology|tech|marketing|legal chief",
            "chairman|chairwoman|chairperson|boss",
            "co ceo|founder|president",
        ],
    ),
    (
        "OFFICE",
        &[
            "executive|financial|operating|technology|technical|information|product|legal|medical|scientific|science|commercial|revenue|risk|accounting|investment|people|marketing|strategy|business|human|digital|data",
        ],
    ),
    (
        "TOP",
        &[
            "TITLE",
            "president",
            "board chair",
            "executive chair|president",
            "general counsel",
            "managing director",
        ],
    ),
    (
        "APPOINTS",
        &[
            "appoints|appointed|names|named|hires|hired|taps|promotes|promoted|elevates|selects|recruits|installs|nominates|picks",
        ],
    ),
    (
        "PARTS",
        &["resigns|resigned|departs|departing|ousted|fired|quits|dies|dismissed"],
    ),
    (
        "SALES",
        &[
            "buys|sells|bought|sold|purchases|purchased|unloads|dumps|acquires|disposes|offloads|sheds|disposed",
        ],
    ),
    (
        "PERSON",
        &[
            "TITLE",
            "president|director|directors|executive|executives|exec|execs|officer|officers|owner|insider|insiders|evp|svp|vp",
        ],
    ),
    ("STOCK", &["shares|stock|stake|options"]),
    (
        "SECURITY",
        &["shares|stock|notes|units|securities|warrants|adss|ads|adrs|bonds|debentures|debt|prefs"],
    ),
    (
        "QUARTER",
        &[
            "q1|q2|q3|q4|1q|2q|3q|4q|h1|h2|1h|2h|fy|fy24|fy25|fy26|fy27|fy2024|fy2025|fy2026|fy2027",
            "first|second|third|fourth|1st|2nd|3rd|4th quarter|qtr|half",
            "quarterly|interim",
            "full|half|fiscal year",
            "nine|six|three month|months",
            "fiscal #",
            "fiscal first|second|third|fourth",
            "year end",
        ],
    ),
    (
        "FIGURE",
        &[
            "results|earnings|eps|revenue|revenues|profit|profits|loss|losses|income|guidance|outlook|forecast|ebitda|sales",
        ],
    ),
    (
        "PROFIT",
        &[
            "profit|profits|earnings|revenue|revenues|ebitda|eps",
            "net|operating|pretax income|profit|loss|sales",
            "same store sales",
            "comparable|comp|like|organic ?for ?like ?store sales",
        ],
    ),
    (
        "MOVES",
        &[
            "rise|rises|rose|fall|falls|fell|jump|jumps|jumped|drop|drops|dropped|slump|slumps|surge|surges|surged|climb|climbs|climbed|double|doubles|doubled|triple|triples|plunge|plunges|plunged|sink|sinks|soar|soars|slide|slides|slip|slips|up|down|halves|grow|grows|grew|gain|gains|increase|increases|increased|decline|declines|declined|decrease|decreases|tumble|tumbles|dip|dips|dipped|shrink|shrinks",
        ],
    ),
    (
        "REPORTS",
        &[
            "reports|reported|posts|posted|logs|books|announces|announced|delivers|discloses|records|releases|provides",
        ],
    ),
    (
        "GUIDES",
        &[
            "raises|raised|cuts|lowers|lowered|withdraws|reaffirms|affirms|reiterates|narrows|slashes|boosts|lifts|trims|issues|updates|hikes|suspends|ups|maintains|confirms|provides|backs|pulls|increases|reduces|sets",
        ],
    ),
    (
        "MONEY",
        &[
            "?up|about|around|nearly|almost|roughly|approximately|some|over|under|more|less|least|at|as ?to|than|least|much ?as $",
        ],
    ),
    ("SCALE", &["million|billion|trillion|mln|bln|bn|mn"]),
    (
        "SCHEDULES",
        &[
            "to ?also announce|report|release|publish|post|issue|host|discuss",
            "schedules|scheduled",
        ],
    ),
    (
        "PRODUCT",
        &[
            "platform|line|product|products|solution|solutions|service|services|app|tool|tools|toolkit|suite|software|device|system|model|models|series|collection|range|feature|features|sensor|terminal|chip|processor|robot|assistant|agent|agents|module|edition|portal|marketplace|engine|smartphone|laptop|headset|drone|kit|battery|pack|vehicle|suv|ev|truck|pickup|car|aircraft|display|camera|wearable|watch|phone|drink|brand|fund|etf",
        ],
    ),
    ("GUIDANCE", &["guidance|outlook|forecast|forecasts"]),
    (
        "CONSENSUS",
        &[
            "estimate|estimates|expectations|forecasts|forecast|views|view|consensus|street|profit|earnings|revenue|eps|sales",
        ],
    ),
    ("ACQUIRES", &["acquire|acquires|acquired|acquiring"]),
    (
        "BUYS",
        &["buy|buys|buying|bought|purchase|purchases|snaps|scoops|swallows|gobbles"],
    ),
    (
        "FIRM",
        &[
            "rival|startup|start|company|maker|unit|business|businesses|firm|group|operator|provider|chain|division|arm|subsidiary|developer|miner|bank|lender|insurer|brand|competitor|peer|owner|supplier|producer|inc|corp|ltd|llc|plc|co|holdings|carrier|retailer|studio|airline|brewer|drugmaker|chipmaker|carmaker|automaker|biotech|fintech|distributor|manufacturer|broker|brokerage|platform|publisher|driller|operations",
        ],
    ),
    (
        "ASSET",
        &[
            "vans|van|bikes|boats|barges|tankers|freighters|drones|locomotives|buses|phones|laptops|manuscripts|manuscript|books|letters|artifacts|artwork|lease|contracts|contract|tenement|tenements|mineral|concession|concessions|acreage|plot|plots|rail|yard|farmland|ranch|farm|blocks|rights|shares|share|stake|stakes|land|property|properties|customers|users|patents|patent|loans|loan|fleet|trucks|jets|planes|aircraft|ships|vessels|ovens|equipment|turbines|power|electricity|batteries|chips|gas|oil|bitcoin|btc|ether|ethereum|gold|license|licence|licenses|building|buildings|tower|warehouse|warehouses|stadium|acres|site|sites|campus|hotel|hotels|machines|furniture|data|skills|taste|interest|minority|position|notes|bonds|stock|house|home|homes|mansion|vineyard|yacht|domain|copyright|copyrights|art|paintings|painting|painter|royalty|royalties|streams|technology|tickets|trains|buses|cars|vehicles|engines|servers|gpus|energy|wood|timber|steel|coffee|grain|wheat|water|plant|plants|factory|office|offices|headquarters|treasury|treasuries|debt|claims|goods|supplies|food|parts|software|licensing|exclusive|option|naming|immunity|status|certification|permit|permits|approval|spectrum|slots|leases|lease|wells|talent|team|players|player|striker|goalkeeper|collection|archive|units|tokens|coins|nft|nfts|portfolio|mortgages",
        ],
    ),
    (
        "PREP",
        &[
            "of|in|for|from|to|at|on|with|near|as|worth|by|across|under|through|via|adjacent|next|beside|along|around|outside|inside|between|before|after|amid|over|used|covering|owned|that|which",
        ],
    ),
    (
        "SELLS",
        &["sells|sell|selling|divests|divest|offloads|offload"],
    ),
    ("DEAL", &["merger|acquisition|takeover|buyout|mergers"]),
    (
        "LISTS",
        &[
            "files|filed|filing|prices|priced|pricing|plans|launches|launched|withdraws|postpones|shelves|delays|pulls|sets|seeks|eyes|considers",
        ],
    ),
    (
        "PLACES",
        &[
            "announces|announced|closes|closed|closing|completes|completed|completion|launches|launched|commences|proposes|prices|priced|pricing|upsizes|upsized|withdraws|postpones|terminates|increases|arranges|plans|details|upsize|proposed",
        ],
    ),
    (
        "ISSUED",
        &[
            "public|proposed|secondary|private|upsized|underwritten|registered|direct|follow|rights|unit|bond|note|notes|senior|convertible|equity|common|share|stock|preferred|debt|adss|initial|debentures|exchangeable",
        ],
    ),
    (
        "DECLARES",
        &[
            "declares|declared|announces|announced|raises|raised|hikes|hiked|increases|increased|boosts|boosted|lifts|lifted|cuts|slashes|slashed|suspends|suspended|reinstates|reinstated|resumes|resumed|initiates|initiated|maintains|approves|approved|proposes|proposed|ups|doubles|halves|trims|eliminates|omits|scraps|keeps|affirms|sets|ends|confirms|recommends|introduces|authorizes|restores|skips|cancels|scrapping|raising|hiking|cutting|increasing|suspending|axes|ditches|drops|forgoes|withholds|passes|pauses|freezes|grows",
        ],
    ),
    (
        "BOURSE",
        &["nasdaq|nyse|exchange|tsx|sec|lse|amex|regulator|asx"],
    ),
    (
        "BANK",
        &[
            "ecb|boe|boj|pboc|rba|rbnz|snb|rbi|riksbank|bcb|banxico|norges",
            "bank of england|japan|canada|korea|mexico|israel|thailand|indonesia|russia",
            "european|swiss|china|turkish|russian|central central|national|bank ?bank",
            "reserve bank",
        ],
    ),
    (
        "POLICY",
        &[
            "hold|holds|held|raise|raises|raised|cut|cuts|keep|keeps|kept|leave|leaves|left|hike|hikes|hiked|lift|lifts|lower|lowers|rate|rates|policy|governor|warns|signals|says|sees|meeting|decision|policymaker|policymakers|minutes|chief|president|pauses|officials",
        ],
    ),
    (
        "COUNTRY",
        &[
            "us|uk|china|chinas|chinese|japan|japanese|german|germany|french|france|italy|italian|spanish|spain|british|britain|canada|canadian|india|indian|eurozone|euro|brazil|mexico|australia|australian|korea|korean|swiss|swedish|russia|russian|turkey|turkish|global|american|americas",
        ],
    ),
    (
        "DATA",
        &["data|report|reading|figures|gauge|index|growth|expectations|fears|print"],
    ),
    (
        "EASES",
        &[
            "eases|eased|cools|cooled|slows|slowed|accelerates|accelerated|contracts|contracted|unchanged|steady|quickens|quickened|hits|beats|misses|climbing|weakens|weakened|picks|holds|stalls|edges|expands|expanded|heats|softens|moderates",
        ],
    ),
];

pub(super) const SCALES: &[&str] = &[
    "million", "billion", "trillion", "bn", "bln", "mln", "mn", "tn", "m", "b",
];
pub(super) const CURRENCIES: &[&str] = &[
    "eur", "usd", "gbp", "cad", "aud", "chf", "jpy", "inr", "hkd", "rs", "sek", "nok",
];

/// What money is counted in, after the number.
pub(super) const UNITS: &[&str] = &[
    "euro", "euros", "pounds", "sterling", "dollars", "yen", "yuan", "rupees", "won", "francs",
    "crowns", "pence",
];

/// Titles that `former` takes the meaning from.
pub(super) const TITLES: &[&str] = &[
    "ceo",
    "cfo",
    "coo",
    "cto",
    "chief",
    "chairman",
    "chairwoman",
    "president",
    "founder",
    "director",
    "executive",
    "officer",
    "chair",
];

/// What companies are called at the end.
pub(super) const NAME_ENDINGS: &[&str] = &[
    "inc",
    "corp",
    "corporation",
    "co",
    "ltd",
    "limited",
    "llc",
    "lp",
    "llp",
    "plc",
    "sa",
    "ag",
    "nv",
    "group",
    "holdings",
    "holding",
    "capital",
    "partners",
    "trust",
    "fund",
    "funds",
    "ventures",
    "labs",
    "laboratories",
    "foods",
    "etf",
    "bancorp",
    "software",
    "media",
    "therapeutics",
    "pharma",
    "pharmaceuticals",
    "technologies",
    "systems",
    "industries",
    "aerostructures",
    "brands",
    "studios",
    "securities",
    "finance",
    "financial",
    "advisors",
    "solutions",
    "energy",
    "motors",
    "resources",
    "biosciences",
    "realty",
    "properties",
];

/// Words that make a type, where they are not part of a name.
pub(super) const TYPE_WORDS: &[&str] = &[
    "dividend",
    "split",
    "earnings",
    "merger",
    "acquisition",
    "acquisitions",
    "insider",
    "rating",
    "ratings",
    "offering",
    "halt",
    "rights",
    "fed",
    "federal",
    "treasury",
    "cpi",
    "ppi",
    "gdp",
    "pmi",
    "pce",
    "ism",
    "notice",
    "guidance",
    "outlook",
    "form",
    "target",
    "tender",
    "resume",
    "acquired",
    "results",
    "profit",
    "revenue",
    "quarterly",
    "quarter",
    "buyout",
    "takeover",
    "ipo",
    "macro",
    "inflation",
    "payrolls",
    "upgrade",
    "distribution",
    "chapter",
    "bankruptcy",
    "filing",
    "delisted",
    "circuit",
    "eps",
    "convertible",
    "placement",
    "appointed",
    "executive",
    "director",
    "interim",
];

/// Words that end a name.
pub(super) const FUNCTION_WORDS: &[&str] = &[
    "to",
    "of",
    "in",
    "for",
    "with",
    "by",
    "from",
    "at",
    "on",
    "into",
    "and",
    "or",
    "the",
    "a",
    "an",
    "its",
    "as",
    "after",
    "over",
    "announces",
    "acquires",
    "acquire",
    "buys",
    "buy",
    "completes",
    "raises",
    "cuts",
    "declares",
    "says",
    "sells",
    "names",
    "reports",
    "|",
    "'s",
];
