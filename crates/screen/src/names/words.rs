//! Words that are known to tell little, and words that stand for others.
//!
//! Legal forms follow the abbreviations of ISO 20275 (Entity Legal Forms, GLEIF's public list:
//! <https://www.gleif.org/en/lei-data/code-lists/iso-20275-entity-legal-forms-code-list>) for the
//! countries that OFAC, UN, EU and UK list companies of, and what those lists write out in full.
//! Titles and particles are those of the same lists.

/// Everything after folding: lower case, Latin letters, no marks.
pub const ARTICLES: &[&str] = &["al", "el", "ul", "ash", "ad", "ed", "il", "aal"];

/// Arabic articles changed by the sound after them. Alone or at an end they are other words.
pub const MIDDLE_ARTICLES: &[&str] =
    &["an", "ar", "as", "at", "az", "ur", "us", "ud", "es", "er", "et", "ez", "en", "in", "ol", "od"];

/// Between the parts of a name.
pub const PARTICLES: &[&str] = &[
    "al", "bin", "bint", "binti", "binte", "ould", "weld", "oglu", "ogly", "oghlu", "kyzy", "qizi",
    "de", "del", "della", "dela", "di", "da", "dos", "das", "des", "la", "les", "las", "los", "van",
    "von", "vom", "zu", "zur", "der", "den", "ter", "ten", "of", "the",
    "and", "for", "und", "et", "fur", "pour", "para", "por", "dlya",
];

/// Said before or after a name.
pub const TITLES: &[&str] = &[
    "mr", "mrs", "ms", "miss", "mister", "dr", "doctor", "prof", "professor", "eng", "engineer",
    "sir", "lord", "lady", "madame", "monsieur", "senor", "senora", "don", "dona", "herr", "frau",
    "general", "gen", "colonel", "col", "major", "maj", "captain", "capt", "lieutenant", "lt",
    "brigadier", "brig", "admiral", "adm", "commander", "sergeant", "sgt", "president", "minister",
    "judge", "justice", "hon", "sheikh", "shaikh", "shaykh", "sheik", "cheikh", "sheykh", "haji",
    "hajji", "hadji", "hajj", "haj", "hadj", "alhaji", "mullah", "mulla", "mollah", "maulavi",
    "maulawi", "mawlawi", "mawlavi", "molvi", "maulana", "mawlana", "moulana", "qari", "hafiz",
    "ayatollah", "imam", "ustad", "ustadh", "sayyid", "sayed", "sayyed", "syed", "seyyed", "seyed",
    "sr", "snr", "senior", "jr", "jnr", "junior", "phd", "esq", "retd", "mv", "ss", "mt",
];

/// Words of trade and state that name nobody. Their weight is that of their frequency, and never
/// more than a common name's: a small list cannot tell how common they are.
pub const GENERIC: &[&str] = &[
    "trading", "trade", "trader", "traders", "international", "global", "world",
    "group", "holding", "holdings", "industries", "industry", "industrial",
    "enterprise", "enterprises", "services", "service", "investment", "investments", "development",
    "management", "shipping", "marine", "maritime", "lines", "line", "transport", "logistics",
    "import", "export", "commercial", "commerce", "bank", "finance", "financial", "capital",
    "exchange", "engineering", "construction", "technology", "technologies", "tech", "systems",
    "solutions", "electronics", "energy", "oil", "gas", "petroleum", "petrochemical", "chemical",
    "steel", "metal", "aviation", "airlines", "airline", "air", "foundation", "association",
    "organization", "organisation", "organizacion", "society", "institute", "university", "center",
    "centre", "ministry", "department", "office", "bureau", "national", "state", "central",
    "republic", "federal", "united", "new", "first", "north", "south", "east", "west", "factory",
    "plant", "works", "research", "scientific", "production", "supply", "equipment", "machinery",
    "materials", "products", "foods", "food", "medical", "pharmaceutical", "agricultural", "farm",
    "real", "estate", "consulting", "partners", "ventures", "network", "media", "security",
    "party", "movement", "front", "army", "force", "forces", "brigade", "islamic", "charity",
    "relief", "comercial", "comercializadora", "inversiones", "servicios", "grupo", "empresa",
    "agropecuaria", "ganadera", "transportes", "constructora", "inmobiliaria", "distribuidora",
    "zavod", "nauchno", "proizvodstvennoe", "obedinenie", "gosudarstvennyi", "kompaniya",
    "predpriyatie", "aktsionernoe",
];

/// Written short.
pub const SHORT: &[(&str, &str)] = &[
    ("mohd", "muhammad"),
    ("muhd", "muhammad"),
    ("mhd", "muhammad"),
    ("intl", "international"),
    ("govt", "government"),
    ("dept", "department"),
    ("univ", "university"),
    ("mfg", "manufacturing"),
    ("bros", "brothers"),
    ("assn", "association"),
    ("tech", "technology"),
    ("org", "organization"),
    ("organisation", "organization"),
    ("centre", "center"),
    ("abou", "abu"),
    ("abo", "abu"),
    ("aboo", "abu"),
    ("ibn", "bin"),
    ("bn", "bin"),
];

/// `Abd al-` in its spellings: the servant of, before a name of God.
pub const SERVANT: &[&str] =
    &["abdul", "abdel", "abdal", "abdur", "abdus", "abdud", "abdoul", "abdol", "abdour", "abdool"];

/// Words of legal forms, written out and short. They tell next to nothing, whichever it is.
pub const FORMS: &[&str] = &[
    "limited", "liability", "company", "joint", "stock", "open", "closed", "public", "private",
    "partnership", "incorporated", "corporation", "gesellschaft", "mit", "beschrankter", "haftung",
    "aktiengesellschaft", "aktiebolag", "obshchestvo", "ogranichennoi", "ogranichennoy",
    "otvetstvennostyu", "otvetstvennostiu", "tovarystvo", "obmezhenoyu", "vidpovidalnistyu",
    "publichnoe", "otkrytoe", "zakrytoe", "aktsionernoe", "sociedad", "anonima", "responsabilidad",
    "limitada", "variable", "societe", "anonyme", "responsabilite", "limitee", "spolka",
    "ograniczona", "odpowiedzialnoscia", "anonim", "sirketi", "ticaret", "sanayi", "corporacion",
    "compania", "compagnie", "companies", "unitary", "establishment", "llc", "ltd", "ltda", "gmbh",
    "ooo", "tov", "too", "sarl", "srl", "sro", "doo", "fze", "fzc", "fzco", "fzllc", "dmcc", "bv",
    "oy", "kft", "eood", "ood", "pte", "pvt", "pty", "bhd", "sdn", "sia", "uab", "plc", "pjsc", "pao",
    "oao", "zao", "ao", "jsc", "ojsc", "cjsc", "ag", "ab", "spa", "sa", "sas", "sal", "nv", "inc",
    "corp", "co", "cie", "firma", "llp", "lp", "kg", "fgup", "sti",
];

/// Legal forms spelled letter by letter, behind a name. Longest first.
pub const SPELLED: &[(&[&str], &str)] = &[
    (&["s", "a", "de", "c", "v"], "sa"),
    (&["s", "de", "r", "l"], "srl"),
    (&["sp", "z", "o", "o"], "ltd"),
    (&["o", "j", "s", "c"], "ojsc"),
    (&["p", "j", "s", "c"], "pjsc"),
    (&["c", "j", "s", "c"], "cjsc"),
    (&["g", "m", "b", "h"], "gmbh"),
    (&["f", "z", "c", "o"], "fzco"),
    (&["s", "a", "r", "l"], "sarl"),
    (&["sp", "zoo"], "ltd"),
    (&["s", "r", "l"], "srl"),
    (&["s", "r", "o"], "sro"),
    (&["d", "o", "o"], "doo"),
    (&["l", "l", "c"], "llc"),
    (&["l", "t", "d"], "ltd"),
    (&["f", "z", "e"], "fze"),
    (&["s", "p", "a"], "spa"),
    (&["s", "a", "s"], "sas"),
    (&["s", "a", "l"], "sal"),
    (&["p", "l", "c"], "plc"),
    (&["j", "s", "c"], "jsc"),
    (&["l", "l", "p"], "llp"),
    (&["s", "a"], "sa"),
    (&["b", "v"], "bv"),
    (&["n", "v"], "nv"),
    (&["a", "g"], "ag"),
    (&["c", "v"], "lp"),
];
