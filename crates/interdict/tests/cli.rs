//! What a person at a terminal meets: help, errors, colours, pipes, and files written.

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::{Home, binary, case_file, case_text, csv, evm, hash, read, rows, texts};
use serde_json::Value;

const COMMANDS: [&[&str]; 30] = [
    &["import"],
    &["follow"],
    &["transfers"],
    &["config"],
    &["config", "check"],
    &["lists"],
    &["lists", "import"],
    &["lists", "update"],
    &["lists", "status"],
    &["lists", "diff"],
    &["lists", "as-of"],
    &["lists", "look-back"],
    &["labels"],
    &["labels", "import"],
    &["labels", "status"],
    &["trace"],
    &["screen"],
    &["verify"],
    &["status"],
    &["drill"],
    &["drill", "generate"],
    &["store"],
    &["store", "check"],
    &["store", "stats"],
    &["store", "compact"],
    &["store", "export"],
    &["store", "backup"],
    &["store", "restore"],
    &["completions"],
    &["cost"],
];

// -- help --------------------------------------------------------------------------------

#[test]
fn every_command_explains_itself_with_examples() {
    let home = Home::new();
    for command in COMMANDS.into_iter().chain([&[][..]]) {
        let said = home.ok(&[command, &["--help"]].concat());
        assert!(said.contains("Examples:\n  interdict "), "{command:?}: {said}");
        assert!(said.contains("Usage: interdict"), "{command:?}: {said}");
        assert!(said.lines().all(|line| line.chars().count() <= 100), "{command:?}: {said}");
    }
    assert!(!home.path("home").exists(), "help makes no home");
    assert!(home.ok(&["--version"]).starts_with("interdict "));
    assert!(home.ok(&["help", "trace"]).contains("Policies: poison"));
}

#[test]
fn an_example_of_the_help_names_only_flags_that_exist() {
    let home = Home::new();
    for command in COMMANDS.into_iter().chain([&[][..]]) {
        let said = home.ok(&[command, &["--help"]].concat());
        let (_, examples) = said.split_once("Examples:").expect("examples");
        for example in examples.lines().filter_map(|line| line.trim().strip_prefix("interdict ")) {
            let words: Vec<&str> = example.split_whitespace().collect();
            let nested = ["lists", "labels", "store", "drill", "config"];
            let depth = if nested.contains(&words[0]) { 2 } else { 1 };
            let help = home.ok(&[&words[..depth], &["--help"]].concat());
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag), "{example}: no {flag}");
            }
        }
    }
}

#[test]
fn completions_of_shells_name_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.ok(&["completions", shell]);
        for word in ["trace", "screen", "verify", "policy"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    home.refuses(&["completions", "cmd"], &["cmd", "bash"]);
}

#[test]
fn what_is_mistyped_is_named() {
    let home = Home::new();
    home.refuses(&[], &["requires a subcommand"]);
    home.refuses(&["trac"], &["trac", "trace"]);
    home.refuses(&["trace"], &["required"]);
    home.refuses(&["trace", "--polcy", "fifo", "x"], &["--polcy", "--policy"]);
    home.refuses(&["trace", "x", "--forward", "--backward"], &["--forward", "--backward"]);
}

// -- sources -----------------------------------------------------------------------------

#[test]
fn an_unknown_source_says_where_it_was_looked_for() {
    let home = Home::new();
    home.refuses(&["trace", &evm(1)], &["no store", "interdict import"]);
    let home = two_chains();
    home.refuses(
        &["trace", &evm(9)],
        &[&evm(9), "not in the store", "ethereum", "base", "interdict import"],
    );
    home.refuses(&["trace", &hash(9)], &[&hash(9), "not in the store"]);
    home.refuses(&["trace", "hello"], &["hello", "no address, transaction or outpoint"]);
    home.refuses(&["trace", ""], &["not in the store"]);
    let long = home.error(&["trace", &"é".repeat(50_000)]);
    assert!(long.chars().count() < 400, "{} characters", long.chars().count());
    home.refuses(&["trace", &evm(9), "--chain", "polygon"], &["looked on polygon"]);
    home.refuses(
        &["trace", &format!("eip155:1:{}", evm(1)), "--chain", "base"],
        &["names ethereum", "base"],
    );
    let wrong = "0x098b716B8Aaf21512996dC57EB0615e2383E2f96";
    home.refuses(&["trace", wrong], &[wrong]);
}

#[test]
fn a_home_with_lists_only_says_that_transfers_are_missing() {
    let home = Home::new();
    let list = home.write("police.txt", evm(1));
    home.ok(&["lists", "import", "addresses", &list, "--name", "police", "--date", "2025-01-01"]);
    home.refuses(&["trace", &evm(1)], &["no transfers", "interdict import"]);
}

#[test]
fn a_source_on_two_chains_asks_for_the_chain() {
    let home = two_chains();
    home.refuses(&["trace", &evm(1)], &[&evm(1), "ethereum", "base", "--chain"]);
    for (chain, id) in [("ethereum", "eip155:1"), ("base", "eip155:8453")] {
        let report = home.json(&["trace", &evm(1), "--chain", chain, "--format", "json"]);
        assert_eq!(texts(&report["sources"], ""), [format!("{id}:{}", evm(1))]);
    }
    let whole = format!("eip155:8453:{}", evm(1));
    assert_eq!(texts(&home.json(&["trace", &whole, "--format", "json"])["sources"], ""), [whole]);
    // Only one of them knows this one.
    let report = home.json(&["trace", &evm(3), "--format", "json"]);
    assert_eq!(texts(&report["sources"], ""), [format!("eip155:8453:{}", evm(3))]);
}

#[test]
fn a_source_is_read_however_it_is_written() {
    let home = line();
    let plain = home.ok(&["trace", &evm(0xab), "--format", "json"]);
    let upper = format!("0x{}", "AB".repeat(20));
    for text in [
        &upper,
        &format!(" {} ", evm(0xab)),
        &format!("eip155:1:{}", evm(0xab)),
        &format!("eip155:1:{upper}"),
    ] {
        assert_eq!(home.ok(&["trace", text, "--format", "json"]), plain, "{text}");
    }
    assert_eq!(
        home.ok(&["trace", &evm(0xab), &evm(0xab), "--format", "json"]),
        plain,
        "said twice"
    );
}

// -- flags -------------------------------------------------------------------------------

#[test]
fn values_that_cannot_be_read_name_flag_and_form() {
    let home = line();
    let refuses = |args: &[&str], said: &[&str]| {
        drop(home.refuses(&[&["trace", &evm(0xab)], args].concat(), said))
    };
    refuses(&["--policy", "fastest"], &["fastest", "--policy", "highest-value"]);
    refuses(&["--chain", "etherium"], &["etherium", "--chain"]);
    for flag in ["--since", "--until"] {
        for text in ["yesterday", "2025-02-30", "2025-2-3", "2025-02-21 14:00", "21.02.2025", ""] {
            refuses(&[flag, text], &[flag, text, "expected 2025-02-21"]);
        }
    }
    refuses(&["--hops", "many"], &["many", "--hops"]);
    refuses(&["--budget", "1e6"], &["1e6", "--budget"]);
    refuses(&["--format", "pdf"], &["pdf", "--format", "html"]);
    refuses(
        &["--since", "2025-03-01", "--until", "2025-02-01"],
        &["--since", "--until", "nothing"],
    );
    for text in ["many", "0,5 ETH", "5 FOO", "1.5.5 eth", "usd", "", "1e3", "0x10"] {
        refuses(&["--min-value", text], &["--min-value"]);
    }
    refuses(&["--min-value", "100usd"], &["--min-value", "no price", "0.5 ETH"]);
    refuses(&["--min-value", "0.0000000000000000001"], &["--min-value"]);
}

#[test]
fn min_value_is_read_in_every_form() {
    let home = line();
    let edges = |value: &str| {
        let report = home.json(&["trace", &evm(0xab), "--min-value", value, "--format", "json"]);
        rows(&report["edges"]).len()
    };
    for value in ["2", "2 ETH", "2ETH", "2eth", "2.0 eth", " 2 ETH "] {
        assert_eq!(edges(value), 2, "{value}");
    }
    assert_eq!((edges("0"), edges("3"), edges("3.1")), (3, 1, 0));

    let priced = home.write(
        "priced.toml",
        format!(
            "title = \"A line\"\nchain = \"ethereum\"\nsources = [\"{}\"]\n[[price]]\nasset = \"eip155:1/slip44:60\"\ndate = \"2025-01-01\"\nusd = \"1000\"\nsource = \"a test\"\n[[price]]\nasset = \"eip155:1/slip44:60\"\ndate = \"2025-01-02\"\nusd = \"1000\"\nsource = \"a test\"\n[[price]]\nasset = \"eip155:1/slip44:60\"\ndate = \"2025-01-03\"\nusd = \"1000\"\nsource = \"a test\"\n",
            evm(0xab)
        ),
    );
    for (value, expected) in [("2000usd", 2), ("2000 USD", 2), ("2000.01usd", 1), ("3001usd", 0)] {
        let report =
            home.json(&["trace", "--case", &priced, "--min-value", value, "--format", "json"]);
        assert_eq!(rows(&report["edges"]).len(), expected, "{value}");
    }
}

#[test]
fn a_day_counts_whole() {
    let home = line();
    let edges = |args: &[&str]| {
        let report = home.json(&[&["trace", &evm(0xab), "--format", "json"], args].concat());
        texts(&report["edges"], "time").into_iter().map(str::to_string).collect::<Vec<_>>()
    };
    let days = ["2025-01-01T00:00:00Z", "2025-01-02T23:59:59Z", "2025-01-03T12:00:00Z"];
    assert_eq!(edges(&[]), days);
    assert_eq!(edges(&["--until", "2025-01-02"]), days[..2], "its last second too");
    assert_eq!(edges(&["--since", "2025-01-01"]), days, "its first second too");
    assert_eq!(edges(&["--until", "2025-01-01"]), days[..1]);
    assert_eq!(edges(&["--until", "2025-01-02T23:59:58Z"]), days[..1]);
    assert_eq!(edges(&["--until", "2025-01-03T00:59:59+01:00"]), days[..2], "a zone is a zone");
    assert_eq!(edges(&["--since", "2025-01-01T00:00:01Z"]), [] as [&str; 0]);
}

#[test]
fn hops_bound_the_walk() {
    let home = line();
    for (hops, expected) in [("1", 1), ("2", 2), ("3", 3), ("99", 3)] {
        let report = home.json(&["trace", &evm(0xab), "--hops", hops, "--format", "json"]);
        assert_eq!(rows(&report["edges"]).len(), expected, "{hops}");
    }
}

// -- the case file -----------------------------------------------------------------------

#[test]
fn a_slip_in_the_case_file_is_named_and_nothing_is_imported() {
    let home = Home::new();
    let cases = [
        ("policy = ", "polcy = ", &["polcy", "policy"][..]),
        ("[settings]", "[settings]\nhop = 3", &["hop", "hops"]),
        ("[[price]]", "[[prices]]", &["prices", "price"]),
        ("policy = \"haircut\"", "policy = \"fastest\"", &["fastest", "haircut"]),
        ("direction = \"forward\"", "direction = \"up\"", &["up", "forward"]),
        ("chain = \"eip155:1\"", "chain = \"etherium\"", &["etherium"]),
        ("marking = \"TLP:CLEAR\"", "marking = \"SECRET\"", &["SECRET", "TLP:RED"]),
        ("date = \"2025-02-26\"", "date = \"2025-02-31\"", &["2025-02-31"]),
        ("title = ", "name = ", &["name"]),
        ("sources = [", "sources = [] # [", &["sources", "at least one"]),
    ];
    for (from, to, said) in cases {
        let text = case_text();
        assert!(text.contains(from), "{from}");
        let case = home.write("slip.toml", text.replacen(from, to, 1));
        let error = home.refuses(&["trace", "--case", &case], said);
        assert!(error.contains("slip.toml"), "{error}");
        assert!(!home.path("home").exists(), "{to}: something was imported");
    }
    home.refuses(&["trace", "--case", "nowhere.toml"], &["nowhere.toml", "No such file"]);
    let empty = home.write("empty.toml", "");
    home.refuses(&["trace", "--case", &empty], &["empty.toml", "title"]);
}

#[test]
fn values_of_a_case_that_make_no_sense_are_named() {
    let home = Home::new();
    let cases = [
        ("usd = \"2728.21\"", "usd = \"much\"", &["slip44:60", "much"][..]),
        ("usd = \"2728.21\"", "usd = \"1\"\nratio = \"1\"", &["usd", "ratio"]),
        ("ratio = \"1.05\"", "ratio = \"-1\"", &["-1"]),
        ("confidence = \"forensic\"", "confidence = \"very\"", &["Velora", "very", "forensic"]),
        ("[settings]", "[settings]\nsince = \"noon\"", &["since", "noon"]),
        ("[settings]", "[settings]\nmin_value = \"many\"", &["many"]),
        ("format = \"transfers-csv\"", "format = \"xls\"", &["xls", "transfers-csv"]),
        (
            "sources = [\"eip155:1:0x47666fab8bd0ac7003bce3f5c3585383f09486e2\"]",
            "sources = [\"hello\"]",
            &["hello"],
        ),
    ];
    for (from, to, said) in cases {
        let text = case_text();
        assert!(text.contains(from), "{from}");
        let case = home.write("odd.toml", text.replacen(from, to, 1));
        home.refuses(&["-q", "trace", "--case", &case], said);
    }
}

#[test]
fn a_case_that_names_a_missing_file_names_it() {
    let home = Home::new();
    for file in ["transfers_spoofed_sample.csv", "fbi_psa250226_51.txt"] {
        let case = home.write("missing.toml", case_text().replace(file, "gone.csv"));
        home.refuses(&["-q", "trace", "--case", &case], &["gone.csv", "No such file"]);
    }
}

#[test]
fn paths_of_a_case_are_relative_to_it() {
    let home = Home::new();
    let rows_of = csv(&[&format!("{},{},{},2025-01-01 00:00:00,1", evm(1), evm(2), hash(1))]);
    home.write("files/t.csv", rows_of);
    let text = format!(
        "title = \"t\"\nchain = \"ethereum\"\nsources = [\"{}\"]\n[[import]]\nformat = \"transfers-csv\"\npaths = [\"files/t.csv\"]\n",
        evm(1)
    );
    let case = home.write("case.toml", text);
    let report = home.json(&["-q", "trace", "--case", &case, "--format", "json"]);
    assert_eq!(rows(&report["edges"]).len(), 1);
    // From the folder itself, by its bare name.
    home.json(&["-q", "trace", "--case", "case.toml", "--format", "json"]);
}

// -- output ------------------------------------------------------------------------------

#[test]
fn quiet_says_nothing_beside_the_answer() {
    let home = Home::new();
    let case = case_file();
    let file = home.path("out.html").display().to_string();
    let bundle = home.path("out.bundle").display().to_string();
    let list = home.write("police.txt", evm(1));
    let commands: [&[&str]; 6] = [
        &["trace", "--case", &case],
        &["trace", "--case", &case, "--format", "html", "--out", &file, "--bundle", &bundle],
        &["lists", "import", "addresses", &list, "--name", "police", "--date", "2025-01-01"],
        &["screen", &evm(7)],
        &["status"],
        &["verify", &bundle],
    ];
    for args in commands {
        for flag in ["-q", "--quiet"] {
            let run = home.run(&[args, &[flag]].concat());
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
        }
    }
    let run = home.run(&["-q", "trace", "hello"]);
    assert!(run.code == 1 && run.stderr.starts_with("error: "), "an error is said all the same");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = line();
    let case = case_file();
    for args in [
        &["trace", "--case", &case, "--format", "json"][..],
        &["trace", "--case", &case, "--format", "table"],
        &["trace", "--case", &case, "--format", "html"],
        &["status", "--format", "json"],
        &["completions", "zsh"],
        &["trace", "--help"],
    ] {
        // A pipe nobody reads: the writer finds it closed at once.
        let mut child = Command::new(binary())
            .args(args)
            .env("INTERDICT_HOME", home.path("home"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked") && !said.contains("roken pipe"), "{args:?}: {said}");
        assert!(output.status.success(), "{args:?}: {} {said}", output.status);
    }
}

#[test]
fn colour_is_the_users_to_choose() {
    let home = line();
    let escapes = |args: &[&str], no_color: Option<&str>| {
        let mut command = home.command(&[&["trace", &evm(0xab)], args].concat());
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        let output = command.output().expect("it runs");
        assert!(output.status.success());
        output.stdout.contains(&0x1b)
    };
    assert!(escapes(&["--color", "always"], None));
    assert!(escapes(&["--color", "always"], Some("1")), "asked for outright");
    assert!(!escapes(&["--color", "never"], None));
    assert!(!escapes(&[], None), "a pipe is no terminal");
    assert!(!escapes(&[], Some("1")));
    for format in ["json", "csv", "dot", "html"] {
        assert!(!escapes(&["--color", "always", "--format", format], None), "{format}");
    }
    let out = home.path("out.txt").display().to_string();
    home.ok(&["trace", &evm(0xab), "--color", "always", "--out", &out]);
    assert!(!read(&out).contains('\u{1b}'), "a file is no terminal");
    home.refuses(&["--color", "sometimes", "status"], &["sometimes", "never"]);
}

#[test]
fn every_format_says_something_of_its_kind() {
    let home = line();
    let said = |format: &str| home.ok(&["trace", &evm(0xab), "--format", format]);
    let end = evm(0xae);
    for format in ["table", "json", "csv", "dot", "html"] {
        let text = said(format);
        assert!(text.ends_with('\n'), "{format}");
        assert!(text.contains(&end[..6]), "{format} names the last account: {text}");
        assert_eq!(said(format), text, "{format}: the same again");
    }
    assert_eq!(said("csv").lines().count(), 4, "a heading and three transfers");
    assert!(said("dot").contains("digraph"));
    let html = said("html");
    assert!(html.contains("<html") && html.contains("</html>"));
    for outside in ["src=\"http", "src=\"//", "<link", "@import", "url(http", "fetch(", "XMLHttp"] {
        assert!(!html.contains(outside), "an outside request: {outside}");
    }
    assert!(said("table").lines().all(|line| line.chars().count() <= 80), "{}", said("table"));
}

#[test]
fn a_trace_that_finds_nothing_says_so() {
    let home = line();
    let text = home.ok(&["trace", &evm(0xab), "--backward"]);
    assert!(!text.trim().is_empty());
}

#[test]
fn out_writes_the_file_whole_or_leaves_the_old_one() {
    let home = line();
    let out = home.path("answer.json");
    let args = ["trace", &evm(0xab), "--format", "json", "--out", out.to_str().expect("UTF-8")];
    let run = home.run(&args);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains("answer.json"), "{}", run.stderr);
    let answer: Value = serde_json::from_str(&read(&out)).expect("JSON");
    assert_eq!(rows(&answer["edges"]).len(), 3);

    fs::write(&out, "old").expect("a file");
    home.error(&["trace", &evm(9), "--format", "json", "--out", out.to_str().expect("UTF-8")]);
    assert_eq!(read(&out), "old", "a failed trace leaves the old file");
    home.ok(&args);
    assert_ne!(read(&out), "old");
    let left: Vec<String> = fs::read_dir(home.path(""))
        .expect("a folder")
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(left.iter().all(|name| !name.contains("part")), "{left:?}");

    home.refuses(&["trace", &evm(0xab), "--out", "no/such/folder/x"], &["no/such/folder/x"]);
    let folder = home.path("").display().to_string();
    home.refuses(&["trace", &evm(0xab), "--out", &folder], &["cannot write"]);
}

#[cfg(unix)]
#[test]
fn out_never_replaces_what_is_no_plain_file() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let home = line();
    // A pipe in the place of the file: as `/dev/null` would be, it must stay what it is.
    let pipe = home.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let reader = Command::new("cat").arg(&pipe).stdout(Stdio::piped()).spawn().expect("cat");
    home.ok(&["trace", &evm(0xab), "--format", "json", "--out", pipe.to_str().expect("UTF-8")]);
    let read_back = reader.wait_with_output().expect("cat ends");
    assert!(read_back.stdout.starts_with(b"{"));
    assert!(fs::symlink_metadata(&pipe).expect("there").file_type().is_fifo());

    let (target, link) = (home.path("target.json"), home.path("link.json"));
    fs::write(&target, "old").expect("a file");
    symlink(&target, &link).expect("a link");
    home.ok(&["trace", &evm(0xab), "--format", "json", "--out", link.to_str().expect("UTF-8")]);
    assert!(fs::symlink_metadata(&link).expect("there").file_type().is_symlink());
    assert!(read(&target).starts_with('{'));
}

#[test]
fn status_says_what_is_held_and_where() {
    let home = two_chains();
    let said = home.ok(&["status"]);
    for part in ["home", "3 transfers", "ethereum", "base"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let status = home.json(&["status", "--format", "json"]);
    assert_eq!(texts(&status["coverage"], "chain"), ["eip155:1", "eip155:8453"]);
    assert_eq!(rows(&status["files"]).len(), 2);
    let other = Home::new();
    for command in [&["status"][..], &["lists", "status"], &["labels", "status"]] {
        other.refuses(command, &["no store", "interdict import"]);
    }
    assert!(!other.path("home").exists(), "asking makes no home");
}

#[test]
fn the_home_is_the_flags_before_the_environments() {
    let home = line();
    let elsewhere = home.path("elsewhere").display().to_string();
    home.refuses(&["--home", &elsewhere, "status"], &["elsewhere"]);
    let here = home.path("home").display().to_string();
    let mut command = Command::new(binary());
    let output = command
        .args(["status", "--home", &here])
        .env("INTERDICT_HOME", &elsewhere)
        .output()
        .expect("it runs");
    assert!(output.status.success());
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = line();
    let mode =
        |name: &str| fs::metadata(home.path(name)).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode("home"), 0o700);
    for entry in fs::read_dir(home.path("home")).expect("a folder") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        assert_eq!(mode(&format!("home/{name}")) & 0o077, 0, "{name}");
    }
}

#[test]
fn a_store_that_is_none_is_said_not_overwritten() {
    let home = line();
    let store = home.path("home/interdict.sqlite");
    fs::write(&store, "this is not a database, it only stands in its place").expect("a file");
    let error = home.refuses(&["status"], &["interdict.sqlite"]);
    assert!(!error.contains("panicked"));
    home.error(&["trace", &evm(0xab)]);
    assert!(read(&store).starts_with("this is not"));
}

// -- helpers -----------------------------------------------------------------------------

/// Money that goes down a line: 3, 2 and 1 ETH on three days.
#[test]
fn several_thefts_apart_are_each_their_own_answer() {
    let home = line();
    let (first, second) = (evm(0xab), evm(0xac));
    let alone = |source: &str| home.json(&["trace", source, "--format", "json"]);
    for method in ["auto", "frontier", "sweep"] {
        let apart = ["trace", &first, &second, "--apart", "--method", method, "--format", "json"];
        let reports = home.json(&apart);
        assert_eq!(rows(&reports), [alone(&first), alone(&second)], "{method}");
    }
    let tables = home.ok(&["trace", &first, &second, "--apart"]);
    assert_eq!(tables.matches("Forward from").count(), 2, "{tables}");
    home.refuses(&["trace", &first, "--apart", "--format", "dot"], &["--apart", "table or json"]);
    home.refuses(&["trace", &first, "--method", "guess"], &["guess", "frontier", "sweep"]);
}

fn line() -> Home {
    let home = Home::new();
    let row = |from, to, tx: u8, time: &str, amount: &str| {
        format!("{},{},{},{time},{amount}", evm(from), evm(to), hash(tx))
    };
    let rows_of = [
        row(0xab, 0xac, 1, "2025-01-01 00:00:00", "3"),
        row(0xac, 0xad, 2, "2025-01-02 23:59:59", "2"),
        row(0xad, 0xae, 3, "2025-01-03 12:00:00", "1"),
    ];
    let file = home.write("line.csv", csv(&rows_of.each_ref().map(String::as_str)));
    home.ok(&["-q", "import", "transfers-csv", &file, "--chain", "ethereum"]);
    home
}

/// The same address on Ethereum and Base, another on Base alone.
fn two_chains() -> Home {
    let home = Home::new();
    let row =
        |from, to, tx: u8| format!("{},{},{},2025-01-01 00:00:00,1", evm(from), evm(to), hash(tx));
    let one = home.write("one.csv", csv(&[&row(1, 2, 1)]));
    let two = home.write("two.csv", csv(&[&row(1, 3, 2), &row(3, 4, 3)]));
    home.ok(&["import", "transfers-csv", &one, "--chain", "ethereum"]);
    home.ok(&["import", "transfers-csv", &two, "--chain", "base"]);
    home
}
