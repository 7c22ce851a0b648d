//! What everybody announces. Asked when no other rule has matched.

use market::NewsType;

use super::rules::Row;

pub(super) const ANNOUNCED: &[Row] = &[(
    NewsType::PressRelease,
    &[
        "announces|announced *4 appointment|launch|availability|completion|closing|expansion|results|partnership|strategic|collaboration|agreement|publication|presentation|date|timing|grant|fda|first|new|positive|topline|receipt|commencement|participation|investment|opening|commercial|data|exclusive|general|addition|acceptance|successful|upcoming|virtual|annual|enrollment|dosing|contract|award|initiation|integration|repurchase|buyback|program|programme|study|trial|milestone|update|release|support|membership|rebranding|name|approval|extension|amendment|settlement|alliance|venture|pipeline|certification|order|deployment|permit|exploration|drilling|drill",
        "announces|announced the",
        "to present|presents *2 at",
        "to participate|exhibit in|at",
        "to host *4 call|webcast|day|meeting",
        "to ring * bell",
        "shareholder|investor|class alert|action|notice|reminder",
        "reminds|encourages|urges *4 investors|shareholders",
        "investors with|who losses|lost|suffered",
        "deadline alert|reminder",
        "shareholder|investor|securities|class investigation|lawsuit",
        "llp|law investigates|investigating|reminds|alerts",
        "on behalf of *3 shareholders|investors|stockholders",
        "unveils|introduces|launches ?its new|next|first",
        "unveils|introduces|launches|debuts *4 PRODUCT !of|against|on",
        "intersects|intercepts|drills|assays # *4 g|m|metres|meters|over|of|gold|copper|silver|cueq|aueq",
        "SCHEDULES *6 results|earnings",
    ],
    &[
        "trump|biden|white|president|minister|government|senate|police|governor|mayor|fed|nasa|un|eu|opec|kremlin|pentagon|treasury|congress|parliament|ministry|republicans|democrats|lawmakers|king|queen|pope|court|judge|agency|army|navy|union|coach|club|band|singer * announces|announced|unveils|launches|introduces",
        "COUNTRY announces|announced|unveils|launches|introduces",
    ],
)];
