//! The words that the rules share, except verbs.

/// A name for phrases in rules, and the phrases.
pub(super) type Macro = (&'static str, &'static [&'static str]);

pub(super) const NOUNS: &[Macro] = &[
    ("BE", &["is|are|was|were|be|been"]),
    (
        "NUM",
        &[
            "#",
            "two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|forty|fifty",
        ],
    ),
    (
        "GRADES",
        &[
            "buy|sell|hold|neutral|outperform|underperform|overweight|underweight|equalweight|equal|perform|market|sector|strong|positive|negative|peer|reduce|accumulate|junk|add|conviction|inline|mixed|speculative|trim|outperformer|underperformer|neutral|top|avoid|tender",
            "in line",
            "equal weight",
            "market|sector|peer|hold perform|weight|performer",
        ],
    ),
    (
        "BROKER",
        &[
            "analyst|analysts|brokerage|brokerages|jpmorgan|jpm|goldman|citi|citigroup|ubs|barclays|jefferies|keybanc|stifel|cowen|mizuho|evercore|bernstein|oppenheimer|needham|baird|wedbush|piper|truist|hsbc|bofa|nomura|macquarie|guggenheim|argus|redburn|rbc|bmo|scotiabank|cibc|desjardins|berenberg|kepler|exane|investec|btig|leerink|kbw|wolfe|melius|wainwright|stephens|clsa|daiwa|cfra|davidson|morningstar|rosenblatt|canaccord|susquehanna|bnp|socgen|oddo|numis|liberum|panmure|alphavalue|jmp|moffettnathanson|arete|telsey|ladenburg|hcw|janney|cantor|baader|warburg|kotak|nuvama|emkay|motilal|zacks|dz|mediobanca|intesa|bryan|kgi|cgs|maybank|uob|ocbc|cicc|huatai|haitong|jarden|wilsons|seaport|monness|erste|abg|pareto|kempen|degroof|edelweiss|sharekhan|elara|systematix|prabhudas|anand",
            "morgan stanley",
            "bank of america",
            "deutsche bank",
            "wells fargo",
            "raymond james",
            "rbc capital",
            "credit suisse",
            "societe generale",
            "william blair",
            "td cowen|securities",
            "b riley",
            "peel hunt",
            "shore capital",
            "gordon haskett",
            "bloomberg intelligence",
            "da|d davidson|a",
            "dz bank",
            "kepler cheuvreux",
            "motilal oswal",
            "craig hallum",
            "roth capital|mkm",
            "maxim group",
            "northland capital|securities",
            "freedom capital",
            "citizens jmp",
            "icici securities|direct",
            "axis capital|securities",
            "danske bank markets",
            "pivotal research",
            "tigress financial",
            "phillip securities|capital",
            "ord minnett",
            "citic securities",
            "icici sec",
            "jm financial",
            "loop capital",
            "benchmark co|company",
            "dbs vickers|research",
            "lake street",
            "cantor fitzgerald",
            "compass point",
            "piper sandler",
            "loop capital",
            "hc|h wainwright|c",
            "keefe bruyette",
            "evercore isi",
            "bnp paribas",
            "national bank financial",
            "atb capital",
            "eight capital",
            "haywood|stifel securities|canada",
        ],
    ),
    (
        "AGENCY",
        &[
            "moodys|moody|fitch|dbrs|kroll|kbra|crisil|icra|jcr|dagong|demotech|pacra|careedge",
            "s&p !500|index|futures|midcap|smallcap|500s|asx|tsx|u|rises|falls|ends|closes|hits|slips|climbs|gains|drops|at",
            "s&p global",
            "fitch|moodys|scope|dbrs|care|india|arc|ram|egan|gcr|acuite|brickwork|infomerics|morningstar ratings|jones|dbrs",
            "scope",
            "a m best",
            "am best",
            "japan credit rating",
            "egan jones",
            "care ratings|edge",
            "rating agency|agencies",
        ],
    ),
    (
        "TITLE",
        &[
            "ceo|cfo|coo|cto|cio|cmo|cro|cso|chro|cpo|ciso",
            "chief OFFICE|exec|execs",
            "finance|operations|technology|tech|marketing|legal|investment|risk|design|sales|ai|product|hr|engineering|software|hardware|retail|cloud|production|digital|strategy|compliance|trading|research|banking chief|head",
            "finance director",
            "chairman|chairwoman|chairperson|boss|cofounder",
            "co ceo|founder|president|head",
            "executive chair|chairman|vice",
            "managing director",
            "md ceo",
            "md and ceo",
        ],
    ),
    (
        "OFFICE",
        &[
            "executive|financial|finance|operating|operations|technology|technical|information|product|legal|medical|scientific|science|commercial|revenue|risk|accounting|investment|people|marketing|strategy|strategic|business|human|digital|data|security|growth|design|administrative|compliance|sustainability|development|economist|creative|customer|supply|merchandising|brand|ai|manufacturing|transformation|sales|retail|cloud",
        ],
    ),
    (
        "TOP",
        &[
            "TITLE",
            "president",
            "vice president|chairman|chair",
            "board chair|member",
            "chair|chairperson|chairlady",
            "executive chair|president",
            "general|chief counsel",
            "managing director",
            "company secretary",
            "chief @",
            "group head|chief",
            "top job|role",
            "independent ?non ?executive director|directors",
        ],
    ),
    (
        "PERSON",
        &[
            "TITLE",
            "president|chair|director|directors|executive|executives|exec|execs|officer|officers|owner|insider|insiders|evp|svp|vp|founders",
            "MOGUL",
            "founder|founders|cofounder|cofounders",
        ],
    ),
    (
        "STOCK",
        &["shares|stock|stake|options|holding|holdings|adss|ads"],
    ),
    (
        "QUARTER",
        &[
            "q1|q2|q3|q4|1q|2q|3q|4q|h1|h2|1h|2h|9m|6m|fy|fy24|fy25|fy26|fy27|fy28|fy2024|fy2025|fy2026|fy2027|1q25|2q25|3q25|4q25|1q26|2q26|3q26|4q26|q1fy26|q2fy26|q3fy26|q4fy26|fy'25",
            "first|second|third|fourth|1st|2nd|3rd|4th|june|september|december|march|holiday|christmas|last|fiscal|current|this quarter|qtr|half|trimester",
            "quarterly|interim|annual|yearly",
            "full|half|fiscal|financial year",
            "nine|six|three|twelve|9|6|12 month|months",
            "fiscal #|q1|q2|q3|q4",
            "fiscal first|second|third|fourth",
            "year end",
            "first|nine|six #|nine|six months",
        ],
    ),
    (
        "FIGURE",
        &[
            "results|earnings|eps|revenue|revenues|profit|profits|loss|losses|income|guidance|outlook|forecast|forecasts|ebitda|ebit|ebita|sales|pat|pbt|nii|turnover|ffo|affo|comps|earns|margins|margin|net|report|rev|revs|bookings",
        ],
    ),
    (
        "PROFIT",
        &[
            "profit|profits|earnings|revenue|revenues|ebitda|ebit|ebita|eps|pat|pbt|nii|comps|turnover|ffo|rev|bookings",
            "net|operating|pretax|core|underlying|headline|gross|organic|group|quarterly|annual|recurring|current income|profit|loss|sales|interest|result",
            "pre tax profit|loss",
            "same store sales",
            "comparable|comp|like|organic ?for ?like ?store sales",
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
        "GUIDANCE",
        &["guidance|outlook|forecast|forecasts|estimate|projection|projections|guide"],
    ),
    (
        "FIRM",
        &[
            "rival|startup|startups|start|company|maker|makers|unit|units|business|businesses|firm|firms|group|operator|operators|provider|chain|division|arm|subsidiary|developer|miner|bank|lender|insurer|brand|competitor|peer|owner|supplier|producer|inc|corp|ltd|llc|plc|co|holdings|carrier|retailer|studio|airline|brewer|drugmaker|chipmaker|carmaker|automaker|biotech|fintech|distributor|manufacturer|broker|brokerage|platform|publisher|driller|operations|incorporated|limited|corporation|gmbh|ag|sa|nv|ab|asa|therapeutics|pharmaceuticals|pharma|biosciences|bancorp|bancshares|technologies|reit|utility|telco|grocer|contractor|consultancy|agency|refiner|restaurant|franchisee|bakery|brands|specialist|shipper|contractor|lab|labs|bottler|winery|dealer|dealership|dealerships|hospital|hospitals|assets|company's|activities|partners|peers|rivals|outfit|network|networks|foods|energy|resources|minerals|systems|financial|software",
        ],
    ),
    (
        "ASSET",
        &[
            "vans|van|bikes|boats|barges|tankers|freighters|drones|locomotives|buses|phones|laptops|manuscripts|manuscript|books|letters|artifacts|artwork|lease|contracts|contract|tenement|tenements|concession|concessions|acreage|plot|plots|yard|farmland|ranch|farm|blocks|rights|shares|share|stake|stakes|land|property|properties|customers|users|patents|patent|loans|loan|fleet|trucks|jets|planes|aircraft|ships|vessels|ovens|equipment|turbines|electricity|batteries|bitcoin|btc|ether|ethereum|license|licence|licenses|building|buildings|tower|warehouse|warehouses|stadium|acres|site|sites|campus|hotel|hotels|machines|furniture|skills|taste|interest|minority|position|notes|bonds|stock|house|home|homes|mansion|vineyard|yacht|domain|copyright|copyrights|paintings|painting|painter|royalty|royalties|streams|tickets|trains|cars|vehicles|engines|servers|gpus|timber|grain|wheat|plant|plants|factory|office|offices|headquarters|treasury|treasuries|debt|claims|goods|supplies|food|licensing|exclusive|option|naming|immunity|status|certification|permit|permits|approval|spectrum|slots|leases|wells|talent|team|players|player|striker|goalkeeper|archive|tokens|coins|nft|nfts|portfolio|mortgages|apartment|apartments|complex|mall|malls|towers|skyscraper|hectares|parcel|lng|soybeans|corn|crude|beef|rice|cargo|cargoes|barrels|ammunition|missiles|helicopters|helicopter|submarines|frigates|tanks|locomotive|carbon|credits|credit|offsets|jet|boeing|airbus|airliners|freighter|vessel|ship|satellites|satellite|rockets|rigs|computers|supercomputer|laboratory|space|gpu|aluminium|aluminum|cattle|cows|horse|racehorse|sculpture|guitar|island|lot|lots|parking|prospect|prospects|exploration|claim|tenure|tenures|receivables|invoices|securities|gilts|mbs|etfs|facility|facilities|mill|branch|supermarkets|stations|centre|center|centers|centres|warrants|megawatts|mw|policies|certificates|code|prescription|files|trademark|trademarks|candidate|compound|vaccine|vaccines|doses|masks|show|series|catalog|catalogue|songs|masters|memorabilia|winery|vineyards|skeleton|mine|mines|mural|portrait|power",
        ],
    ),
    (
        "PREP",
        &[
            "of|in|for|from|to|at|on|with|near|as|worth|by|across|under|through|via|adjacent|next|beside|along|around|outside|inside|between|before|after|amid|over|used|covering|owned|that|which",
        ],
    ),
    (
        "DEAL",
        &["merger|acquisition|takeover|buyout|mergers|acquisitions"],
    ),
    (
        "ISSUED",
        &[
            "public|proposed|secondary|private|upsized|underwritten|registered|direct|follow|rights|unit|units|bond|bonds|note|notes|senior|convertible|equity|common|share|shares|stock|preferred|preference|debt|adss|ads|initial|debentures|exchangeable|brokered|marketed|institutional|green|subordinated",
        ],
    ),
    (
        "BOURSE",
        &[
            "nasdaq|nyse|exchange|tsx|tsxv|sec|lse|amex|regulator|asx|bourse|euronext|bse|nse|hkex|jse|b3|sgx|krx|ciro|iiroc|cboe|xetra|tse|exchanges|bourses|bursa",
        ],
    ),
    (
        "BANK",
        &[
            "ecb|boe|boj|pboc|rba|rbnz|snb|rbi|riksbank|bcb|banxico|norges|bok|cbrt|sarb|bsp|nbp|cnb|mnb|sbp|bnm|cbr|copom|bcrp|banrep|cbn|cbe|fed|bundesbank",
            "bank of england|japan|canada|korea|mexico|israel|thailand|indonesia|russia|ghana|uganda|zambia|jamaica|mongolia",
            "european|swiss|china|chinas|turkish|russian|turkey|turkeys|brazil|brazils|indian|india|indias|sweden|swedish|norway|norways|norwegian|polish|poland|polands|czech|hungary|hungarys|hungarian|chile|chiles|colombia|colombias|peru|perus|philippine|philippines|nigeria|nigerias|egypt|egypts|kenya|kenyas|romanian|romania|taiwan|taiwans|mexico|mexicos|russia|russias|israel|israels|ukraine|ukraines|pakistan|pakistans|argentina|argentinas|danish|sri|lankan|lankas|serbian|indonesia|indonesias|vietnam|kazakhstan|georgian ?'s central|national bank",
            "reserve bank",
            "central bank|bankers",
            "peoples bank of china",
        ],
    ),
    (
        "COUNTRY",
        &[
            "us|uk|china|chinas|chinese|japan|japans|japanese|german|germany|germanys|french|france|frances|italy|italys|italian|spanish|spain|spains|british|britain|britains|canada|canadas|canadian|india|indias|indian|eurozone|euro|brazil|brazils|brazilian|mexico|mexicos|mexican|australia|australias|australian|korea|koreas|korean|swiss|swedish|sweden|swedens|russia|russias|russian|turkey|turkeys|turkish|american|americas|dutch|netherlands|belgian|belgium|portugal|portuguese|greek|greece|irish|ireland|austrian|austria|danish|denmark|norway|norwegian|norways|finnish|finland|poland|polands|polish|czech|hungary|hungarys|hungarian|romania|romanian|israel|israels|israeli|egypt|egypts|nigeria|nigerias|africa|africas|african|kenya|kenyas|ghana|singapore|singapores|malaysia|malaysias|malaysian|thailand|thailands|thai|indonesia|indonesias|indonesian|philippine|philippines|vietnam|vietnams|taiwan|taiwans|pakistan|pakistans|argentina|argentinas|chile|chiles|colombia|colombias|peru|perus|switzerland|zealand|zealands|tokyo|saudi|global|ukraine|ukraines|scottish|hong|kong|kongs|zone",
        ],
    ),
    (
        "DATA",
        &[
            "data|report|reading|figures|gauge|index|growth|expectations|fears|print|rate|revised|est|vs|forecast",
        ],
    ),
    (
        "LETTERS",
        &[
            "aaa|aa|bbb|bb|ccc|cc|baa1|baa2|baa3|ba1|ba2|ba3|aa1|aa2|aa3|a1|a2|a3|b1|b2|b3|caa1|caa2|caa3|junk",
        ],
    ),
    (
        "MOGUL",
        &[
            "musk|bezos|zuckerberg|dimon|buffett|ellison|karp|nadella|pichai|brin|benioff|dorsey|saylor|moskovitz|huang|altman|schwarzman|ambani|adani|arnault|ortega|walton|waltons|jassy|catz|farley|barra|hastings|sarandos|chesky|khosrowshahi|solomon|fraser|iger|niccol|thiel|tan|su|bolore|drahi|pinault|branson",
        ],
    ),
    (
        "SPLITWAY",
        &["two|three|four|five|six|eight|ten|fifteen|twenty|# way"],
    ),
    (
        "SECURITY",
        &[
            "shares|stock|notes|units|securities|warrants|adss|ads|adrs|bonds|bond|debentures|debt|prefs|preferred|sukuk|perpetuals|stake",
        ],
    ),
    (
        "TARGET",
        &[
            "price target|targets|objective|objectives",
            "target|targets price|prices",
            "pt|tp",
            "fair value estimate",
            "street ?high target",
        ],
    ),
    (
        "JOB",
        &[
            "TOP",
            "chief|president|vp|svp|evp|director|directors|chair|officer|treasurer|counsel|controller|comptroller|chiefs",
        ],
    ),
    (
        "BOOKED",
        &[
            "profit|profits|loss|losses|earnings|revenue|revenues|income|sales|ebitda|ebit|pat|turnover|results|eps|comps",
        ],
    ),
    (
        "PAYS",
        &[
            "dividend|dividends|dividends",
            "quarterly|annual|interim|final|special|monthly|yearly|semiannual|dividend|shareholder|year|full payout|payouts|payment|distribution|distributions",
            "payout|payouts|payment to *1 shareholders|investors|holders|unitholders|shareholder",
            "special ?cash distribution|payout",
            "base|variable|ordinary|supplemental|bumper dividend|dividends",
        ],
    ),
    // Grades that are not verbs.
    (
        "CLEAR_GRADE",
        &[
            "outperform|underperform|overweight|underweight|equalweight",
            "equal weight",
            "market|sector|peer perform|outperform|underperform",
        ],
    ),
];
