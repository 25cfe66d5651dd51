//! What the README says is true: its commands run, its links lead somewhere, and its
//! tables are those that the program makes of the committed results.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// Scenarios that take longer than a test may: their commands are checked, not run.
const HEAVY: [&str; 3] = ["chord-hops", "chord-load", "chord-virtual-nodes"];

/// What a command of the README starts with, one of them.
const PROGRAM: [&str; 2] = ["cargo run --release -- ", "dhtsim "];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(project().join("README.md")).expect("README.md is there")
}

/// The lines of the blocks marked `sh`, continued ones joined.
fn shell_lines(readme: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match (inside, line.trim()) {
            (false, "```sh") => inside = true,
            (true, "```") => inside = false,
            (true, line) => lines.push(line.to_owned()),
            (false, _) => {}
        }
    }
    lines.join("\n").replace("\\\n", " ").lines().map(|line| line.trim().to_owned()).collect()
}

/// The arguments of a command of `dhtsim`, as the shell is to read them.
fn arguments(line: &str) -> Option<String> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    PROGRAM.iter().find_map(|program| line.strip_prefix(program)).map(str::to_owned)
}

/// Those of all commands.
fn commands(readme: &str) -> Vec<String> {
    shell_lines(readme).iter().filter_map(|line| arguments(line)).collect()
}

/// Runs `dhtsim` with arguments as the shell reads them: quotes, stars and pipes count.
fn run(folder: &Path, arguments: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("\"$DHTSIM\" {arguments}")).current_dir(folder);
    shell.env("DHTSIM", cargo_bin!("dhtsim")).output().unwrap()
}

/// The same command without hours of simulation: `check` of the same scenarios.
fn without_hours(arguments: &str) -> String {
    let heavy = |word: &str| {
        word.contains('*')
            || word.ends_with("nodes=1000000")
            || HEAVY.iter().any(|name| word.ends_with(&format!("/{name}.json")))
    };
    match arguments.strip_prefix("run ") {
        Some(words) if words.split_whitespace().any(heavy) => {
            let files = words.split_whitespace().filter(|word| has_extension(word, "json"));
            format!("check {}", files.collect::<Vec<_>>().join(" "))
        }
        _ => arguments.to_owned(),
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|own| own == extension)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// A copy of what the commands read, so that they write nothing into the project.
fn copy_of_project() -> TempDir {
    let folder = TempDir::new().unwrap();
    for part in ["scenarios", "results"] {
        copy(&project().join(part), &folder.path().join(part));
    }
    folder
}

/// The scenarios of a text by their names: blocks of JSON.
fn scenarios(text: &str) -> Vec<(String, &str)> {
    let blocks = text.split("```json\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let scenario = |json| {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        (value["name"].as_str().unwrap().to_owned(), json)
    };
    blocks.map(|(json, _)| scenario(json)).collect()
}

#[test]
fn its_scenarios_are_good() {
    let readme = readme();
    let scenarios = scenarios(&readme);
    assert!(scenarios.len() >= 3, "the README shows scenarios: {scenarios:?}");
    let folder = TempDir::new().unwrap();
    for (name, json) in &scenarios {
        fs::write(folder.path().join(format!("{name}.json")), json).unwrap();
    }
    let output = run(folder.path(), "check *.json");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let counted = String::from_utf8(output.stdout).unwrap();
    // As many successors as nodes, or more: 8 and 16 of 8.
    assert!(counted.contains("mine-sizes.json: good, 13 points × 5 repeats"), "{counted}");
    assert!(counted.contains("mine-far.json: good, 3 points × 5 repeats"), "{counted}");
}

#[test]
fn its_commands_run() {
    let commands = commands(&readme());
    assert!(commands.len() >= 5, "the README shows how to use the program: {commands:?}");
    let folder = copy_of_project();
    for command in commands {
        let command = without_hours(&command);
        let output = run(folder.path(), &command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dhtsim {command}\n{}\n{said}", output.status);
    }
}

#[test]
fn it_begins_with_the_two_commands_of_a_newcomer() {
    let lines = shell_lines(&readme());
    for command in ["cargo run --release -- run scenarios/paper/chord-hops.json", "cargo test"] {
        let there = lines.iter().any(|line| line.starts_with(command));
        assert!(there, "{command} is missing");
    }
}

/// Targets of Markdown links and images, and of HTML ones.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for (opening, closing) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
        for (_, rest) in
            text.match_indices(opening).map(|(at, _)| text.split_at(at + opening.len()))
        {
            let target: String = rest.chars().take_while(|c| *c != closing).collect();
            // A title may follow the target of a Markdown link.
            links.extend(target.split_whitespace().next().map(str::to_owned));
        }
    }
    links
}

/// The text without blocks of code, in which brackets are brackets.
fn prose(text: &str) -> String {
    let mut inside = false;
    let outside = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    outside.collect::<Vec<_>>().join("\n")
}

/// The anchor that a heading gets on the usual sites.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn its_links_lead_somewhere() {
    let readme = readme();
    let prose = prose(&readme);
    let headings = prose.lines().filter_map(|line| line.strip_prefix('#'));
    let anchors: Vec<String> =
        headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect();
    let links = links(&prose);
    assert!(links.iter().any(|link| has_extension(link, "svg")), "the README shows plots");
    for link in links {
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
        let target: PathBuf = project().join(path);
        assert!(target.exists(), "{link} leads nowhere");
        if path.is_empty() {
            assert!(anchors.iter().any(|anchor| anchor == fragment), "no heading for {link}");
        }
    }
}

/// The tables that stand between `<!-- table: dhtsim … -->`, which names the command that
/// makes it, and `<!-- /table -->`: each with the arguments of its command.
fn tables(readme: &str) -> Vec<(String, String)> {
    let table = |block: &str| {
        let (command, rest) = block.split_once("-->").expect("the mark before a table ends");
        let command = command.trim();
        let arguments = arguments(command).unwrap_or_else(|| panic!("{command} is not dhtsim"));
        let (table, _) = rest
            .split_once("<!-- /table -->")
            .unwrap_or_else(|| panic!("<!-- /table --> is missing behind the table of {command}"));
        (arguments, table.trim().to_owned())
    };
    readme.split("<!-- table:").skip(1).map(table).collect()
}

#[test]
fn its_tables_are_those_of_the_committed_results() {
    let tables = tables(&readme());
    assert!(!tables.is_empty(), "the README shows results");
    for (command, table) in tables {
        let output = run(project(), &command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dhtsim {command}\n{said}");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(
            table == printed.trim(),
            "the table of the README is not what this prints: dhtsim {command}\n{printed}"
        );
    }
}

#[test]
fn the_readers_of_this_test_read_what_they_should() {
    let text = "a [b](c.md \"d\") ![e](f.svg)\n```sh\n# g\ndhtsim run \\\n  x.json\n\
                cargo run --release -- check 'y z'\n```\n```json\n[h](i)\n```\n<img src=\"j.png\">";
    assert_eq!(commands(text), ["run  x.json", "check 'y z'"]);
    assert_eq!(links(&prose(text)), ["c.md", "f.svg", "j.png"]);
    let text = "a\n<!-- table: dhtsim table b --metric 'c=d e' -->\n| d |\n<!-- /table -->\n\
                f <!-- table: dhtsim published g -->\n\n| h |\n\n<!-- /table --> i";
    let table = |command: &str, table: &str| (command.to_owned(), table.to_owned());
    assert_eq!(
        tables(text),
        [table("table b --metric 'c=d e'", "| d |"), table("published g", "| h |")]
    );
    assert_eq!(anchor("Exit codes, and `--jobs`"), "exit-codes-and---jobs");
    for (command, instead) in [
        ("run scenarios/paper/chord-hops.json --quiet", "check scenarios/paper/chord-hops.json"),
        ("run scenarios/*.json", "check scenarios/*.json"),
        ("run scenarios/notes-ring.json", "run scenarios/notes-ring.json"),
        ("ring scenarios/paper/chord-hops.json", "ring scenarios/paper/chord-hops.json"),
    ] {
        assert_eq!(without_hours(command), instead);
    }
}
