//! Sweeps that are killed, and sweeps that are shared: in the end there is what one undisturbed
//! process gives, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods)] // Processes are waited for.

mod desk;

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use desk::Desk;

impl Desk {
    /// A desk with a scenario of many short runs, which take so many simulated seconds.
    fn with_sweep(seconds: u32) -> Desk {
        let desk = Desk::new();
        let scenario = json!({
            "name": "sweep",
            "population": {"nodes": 64},
            "overlay": {"chord": {
                "successors": 4, "stabilize": {"period": "1s"}, "fix_fingers": {"period": "1s"},
            }},
            "workload": {"lookups": {"interval": "1s"}},
            "measure": {"every": "100s"},
            "duration": format!("{seconds}s"),
            "sweep": {"population.nodes": [32, 64, 96], "network.loss": [0, 0.01, 0.02]},
            "repeat": 4,
            "plots": ["hops", "hop_distribution"],
            "expect": [{"claim": "answers are right", "metric": "lookups.correct", "at_least": 1}],
        });
        fs::write(desk.path("sweep.json"), scenario.to_string()).unwrap();
        desk
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.dhtsim(arguments).output().unwrap()
    }

    /// Standard output of a command that ends with this code.
    fn said(&self, arguments: &[&str], code: i32) -> String {
        let output = self.output(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// All results in a folder, but for the journals.
    fn results(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let folder = self.path(folder).join("sweep");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
        files.map(|file| (name(&file), fs::read(&file).unwrap())).collect()
    }
}

/// The same results under the same names.
fn assert_same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let differing = one.iter().find(|(name, bytes)| other[*name] != **bytes);
    assert!(differing.is_none(), "{} differs", differing.unwrap().0);
}

/// Killed again and again, at whatever moment that is, it comes to its end.
#[cfg(unix)]
#[test]
fn a_sweep_that_is_killed_goes_on_where_it_was() {
    let desk = Desk::with_sweep(150);
    desk.said(&["run", "sweep.json", "--out", "whole", "--quiet"], 0);
    let undisturbed = desk.results("whole");
    let run = ["run", "sweep.json", "--out", "killed", "--jobs", "2"];
    let journal = desk.path("killed/.runs/sweep.runs");
    let length = || fs::metadata(&journal).map_or(0, |file| file.len());
    // From one attempt to the next later: at moments that no two machines share, and also where
    // machines are slow, it comes to its end.
    let (mut kills, mut was, mut grew) = (0, 0, 0);
    loop {
        let mut command = desk.dhtsim(&run);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(20 + 25 * kills));
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        kills += 1;
        assert!(length() >= was, "what is done stays");
        grew += u32::from(length() > was);
        was = length();
        assert!(kills < 200, "it comes to no end");
    }
    assert!(kills >= 3 && grew >= 2, "it was killed {kills} times, {grew} times in the midst");
    assert_same(&undisturbed, &desk.results("killed"));
    let left = fs::read_dir(desk.path("killed")).unwrap().count();
    assert!(left >= 2, "results and journals");
}

/// Ctrl-C is a word to the user, and what is done stays.
#[cfg(unix)]
#[test]
fn a_sweep_that_is_interrupted_says_so_and_goes_on_later() {
    let desk = Desk::with_sweep(150);
    let run = ["run", "sweep.json", "--out", "interrupted", "--jobs", "2"];
    let journal = desk.path("interrupted/.runs/sweep.runs");
    let mut command = desk.dhtsim(&run);
    let process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while fs::metadata(&journal).map_or(0, |file| file.len()) < 10_000 {
        assert!(start.elapsed() < Duration::from_secs(60), "no run comes to its end");
        sleep(Duration::from_millis(5));
    }
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    let told = "interrupted; runs that are done are kept: start the same again, without --fresh, to go on\n";
    assert!(said.ends_with(told), "{said}");
    assert!(!desk.path("interrupted/sweep").exists());
    let output = desk.output(&run);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(" of 36 runs are kept from before\n"), "{said}");
    desk.said(&["run", "sweep.json", "--out", "whole", "--quiet"], 0);
    assert_same(&desk.results("whole"), &desk.results("interrupted"));
}

#[test]
fn more_repeats_and_values_run_only_what_is_new() {
    let desk = Desk::with_sweep(20);
    let run = |set: &[&str]| {
        let output = desk.output(&[&["run", "sweep.json", "--out", "grown"], set].concat());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(!run(&["--set", "repeat=2"]).contains("kept from before"));
    let more = run(&[]);
    assert!(more.starts_with("sweep: 18 of 36 runs are kept from before\n"), "{more}");
    let again = run(&[]);
    assert!(again.contains("36 of 36 runs are kept from before\n"), "{again}");
    assert!(!again.contains("events/s"), "nothing was run: {again}");
    let grown = desk.results("grown");
    desk.said(&["run", "sweep.json", "--out", "fresh", "--quiet"], 0);
    assert_same(&grown, &desk.results("fresh"));
    assert!(!run(&["--fresh"]).contains("kept from before"));
    let seed = run(&["--seed", "2"]);
    assert!(!seed.contains("kept from before"), "another seed is another run: {seed}");
}

#[test]
fn shares_merge_to_what_one_process_gives() {
    let desk = Desk::with_sweep(20);
    desk.said(&["run", "sweep.json", "--out", "whole", "--quiet"], 0);
    let planned = desk.said(&["plan", "sweep.json", "--out", "plan", "--shares", "5"], 0);
    assert!(planned.starts_with("plan: 36 runs in 5 shares; about "), "{planned}");
    // The plan is complete in itself.
    fs::remove_file(desk.path("sweep.json")).unwrap();
    for share in ["5/5", "2/5", "4/5"] {
        desk.said(&["run", "--plan", "plan", "--shard", share], 0);
    }
    let status = desk.said(&["status", "plan"], 5);
    assert_eq!(status, "plan: 15 of 36 runs are missing; shares of 5: 1,3\n");
    assert_eq!(desk.said(&["status", "plan", "--missing"], 5), "1,3\n");
    let json: Value = serde_json::from_str(&desk.said(&["status", "plan", "--json"], 5)).unwrap();
    assert_eq!((&json["missing_runs"], &json["missing_shares"]), (&15.into(), &"1,3".into()));
    let early = desk.output(&["merge", "plan", "--out", "merged"]);
    let refusal = String::from_utf8(early.stderr).unwrap();
    assert_eq!(early.status.code(), Some(5));
    assert!(refusal.ends_with("; run the shares 1,3 of 5 first\n"), "{refusal}");
    assert!(!desk.path("merged").exists());
    desk.said(&["run", "--plan", "plan", "--shard", "1/2"], 0);
    desk.said(&["run", "--plan", "plan"], 0);
    assert_eq!(desk.said(&["status", "plan"], 0), "plan: all 36 runs are there\n");
    desk.said(&["merge", "plan", "--out", "merged"], 0);
    assert_same(&desk.results("whole"), &desk.results("merged"));
    let script = desk.said(&["export", "slurm", "plan"], 0);
    assert!(script.contains("#SBATCH --array=1\n"), "nothing is missing: {script}");
}

/// What lost points by the command line knows it, and claims about them are no fault of its.
#[test]
fn a_narrowed_sweep_is_run_again_from_its_results() {
    let desk = Desk::with_sweep(20);
    let file = desk.path("sweep.json");
    let mut scenario: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    scenario["expect"] = json!([{
        "metric": "lookups.correct", "at_least": 1, "where": {"population.nodes": 96},
    }]);
    scenario["exclude"] = json!([{"population.nodes": 96, "network.loss": 0.02}]);
    fs::write(&file, scenario.to_string()).unwrap();
    // The claim is about no point that is left, and so it is broken.
    let narrowed = ["--set", "population.nodes=32", "--set", "network.loss=0", "--quiet"];
    desk.said(&[&["run", "sweep.json", "--report", "--out", "a"], &narrowed[..]].concat(), 1);
    let results = desk.results("a");
    assert!(results.contains_key("report.html"));
    desk.said(&["run", "a/sweep/scenario.json", "--report", "--out", "b", "--quiet"], 1);
    assert_same(&results, &desk.results("b"));
    desk.said(&[&["plan", "sweep.json", "--out", "plan"], &narrowed[..4]].concat(), 0);
    desk.said(&["run", "--plan", "plan"], 0);
    desk.said(&["merge", "plan", "--report", "--out", "merged"], 1);
    assert_same(&results, &desk.results("merged"));

    let page = String::from_utf8(results["report.html"].clone()).unwrap();
    let (_, command) = page.split_once("<pre id=\"command\">dhtsim ").unwrap();
    let (command, _) = command.split_once("</pre>").unwrap();
    let mut again = desk.dhtsim(&command.split(' ').collect::<Vec<_>>());
    let output = again.arg("--report").current_dir(desk.path("a/sweep")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command}");
    assert_same(&results, &desk.results("a/sweep/again"));
}

/// Several parameters in step and points left out: in results they are as any other.
#[test]
fn what_is_zipped_and_left_out_is_swept_as_all_else() {
    let desk = Desk::with_sweep(20);
    let file = desk.path("sweep.json");
    let base: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    fs::write(desk.path("base.json"), base.to_string()).unwrap();
    let scenario = json!({
        "extends": "base.json",
        "name": "sweep",
        "measure": null,
        "repeat": 1,
        "sweep": {
            "population.nodes": null,
            "size": {"zip": {
                "population.nodes": {"powers_of_two": [8, 64]},
                "overlay.chord.successors": {"range": {"from": 1, "to": 4}},
            }},
        },
        "exclude": [{"population.nodes": {"at_least": 64}, "network.loss": {"at_least": 0.01}}],
        "plots": ["hops", {"metric": {"metric": "messages.total"}}],
        "expect": [{"metric": "fit.r2", "at_least": 0, "where": {"network.loss": 0}}],
    });
    fs::write(&file, scenario.to_string()).unwrap();
    let refused = desk.output(&["check", "sweep.json"]);
    let refusal = String::from_utf8(refused.stderr).unwrap();
    assert!(refusal.starts_with("error: sweep.json: name: \"sweep\" is that of "), "{refusal}");
    let renamed = base.to_string().replacen("\"sweep\"", "\"base\"", 1);
    fs::write(desk.path("base.json"), renamed).unwrap();

    desk.said(&["run", "sweep.json", "--out", "a", "--quiet"], 0);
    let results = desk.results("a");
    let summary: Value = serde_json::from_slice(&results["summary.json"]).unwrap();
    let sweep = ["network.loss", "population.nodes", "overlay.chord.successors"];
    assert_eq!(summary["sweep"], json!(sweep));
    let places: Vec<String> = summary["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| sweep.map(|path| point["params"][path].to_string()).join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "0 8 1",
            "0 16 2",
            "0 32 3",
            "0 64 4",
            "0.01 8 1",
            "0.01 16 2",
            "0.01 32 3",
            "0.02 8 1",
            "0.02 16 2",
            "0.02 32 3",
        ]
    );
    // A fit for each loss, through all sizes.
    let fits: Vec<&Value> =
        summary["fits"].as_array().unwrap().iter().map(|f| &f["params"]).collect();
    let losses = [json!(0), json!(0.01), json!(0.02)].map(|loss| json!({"network.loss": loss}));
    assert_eq!(fits, losses.iter().collect::<Vec<_>>());
    let runs = String::from_utf8(results["runs.csv"].clone()).unwrap();
    assert!(runs.starts_with("network.loss,population.nodes,overlay.chord.successors,repeat,"));
    // Complete in itself: what it extends may be gone.
    fs::remove_file(desk.path("base.json")).unwrap();
    desk.said(&["run", "a/sweep/scenario.json", "--out", "b", "--quiet"], 0);
    assert_same(&results, &desk.results("b"));
}

/// An array of jobs with this slip would do everything as often as it has jobs.
#[test]
fn a_share_is_of_a_plan() {
    let desk = Desk::with_sweep(20);
    for arguments in [&["run", "--shard", "1/3", "sweep.json"][..], &["run", "--shard", "1/3"]] {
        let output = desk.output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--plan"), "{output:?}");
    }
    assert!(!desk.path("results").exists());
}

/// Whether a program can be started. Where it must be and is not, the test fails.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(
        found || std::env::var_os("DHTSIM_TEST_ALL").is_none(),
        "DHTSIM_TEST_ALL is set, but there is no {program}"
    );
    if !found {
        #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
        {
            eprintln!("SKIPPED: there is no {program}");
        }
    }
    found
}

#[test]
fn gnu_parallel_runs_the_shares() {
    if !is_there("parallel") {
        return;
    }
    let desk = Desk::with_sweep(20);
    desk.said(&["run", "sweep.json", "--out", "whole", "--quiet"], 0);
    desk.said(&["plan", "sweep.json", "--out", "the plan", "--shares", "4"], 0);
    desk.said(&["run", "--plan", "the plan", "--shard", "2/4"], 0);
    let script = desk.said(&["export", "parallel", "the plan"], 0);
    fs::write(desk.path("sweep.sh"), script).unwrap();
    let mut parallel = Command::new("bash");
    parallel.current_dir(desk.folder()).args(["sweep.sh", "--jobs", "2"]);
    let output = parallel.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    desk.said(&["merge", "the plan", "--out", "merged", "--quiet"], 0);
    assert_same(&desk.results("whole"), &desk.results("merged"));
}

/// The laboratory: a server of ssh on loopback, which two machines are.
struct Laboratory {
    folder: TempDir,
    server: Child,
}

/// Where Debian has it; it wants to be started by its whole path.
const SSHD: &str = "/usr/sbin/sshd";

impl Laboratory {
    fn open() -> Laboratory {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]);
            assert!(keygen.status().unwrap().success());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPermitRootLogin yes\n",
            path("host"),
            path("user.pub")
        );
        let client = format!(
            "Host lab1 lab2\nHostName 127.0.0.1\nPort {port}\nIdentityFile {}\n\
             StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n",
            path("user")
        );
        fs::write(path("sshd_config"), server).unwrap();
        fs::write(path("ssh_config"), client).unwrap();
        // Where there is no init, nobody has made its folder.
        drop(fs::create_dir_all("/run/sshd"));
        let mut server = Command::new(SSHD);
        server.args(["-D", "-f", &path("sshd_config")]).stderr(Stdio::null());
        let server = server.spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "sshd does not listen");
            sleep(Duration::from_millis(20));
        }
        Laboratory { folder, server }
    }

    /// The command by which its machines are reached.
    fn ssh(&self) -> String {
        format!("ssh -F {}", self.folder.path().join("ssh_config").display())
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn gnu_parallel_runs_the_shares_on_other_machines() {
    if !(is_there("parallel") && is_there(SSHD)) {
        return;
    }
    let desk = Desk::with_sweep(20);
    desk.said(&["run", "sweep.json", "--out", "whole", "--quiet"], 0);
    desk.said(&["plan", "sweep.json", "--out", "it's the plan", "--shares", "4"], 0);
    let script = desk.said(&["export", "parallel", "it's the plan"], 0);
    fs::write(desk.path("sweep.sh"), script).unwrap();
    let laboratory = Laboratory::open();
    let mut parallel = Command::new("bash");
    parallel.current_dir(desk.folder()).args(["sweep.sh", "--ssh", &laboratory.ssh()]);
    let output = parallel.args(["--sshlogin", "1/lab1,1/lab2"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    desk.said(&["merge", "it's the plan", "--out", "merged", "--quiet"], 0);
    assert_same(&desk.results("whole"), &desk.results("merged"));
}

/// A Slurm of two nodes that ends with the test.
struct Slurm(TempDir);

impl Slurm {
    fn start() -> Slurm {
        let slurm = Slurm(TempDir::new().unwrap());
        let output = slurm.script("start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        slurm
    }

    fn script(&self, action: &str) -> Output {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/slurm.sh");
        // Daemons keep the standard streams that they are given.
        let log = fs::File::create(self.0.path().join(format!("{action}.log"))).unwrap();
        let mut command = Command::new(script);
        command
            .arg(action)
            .arg(self.0.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap());
        let status = command.stderr(log).status().unwrap();
        let stderr = fs::read(self.0.path().join(format!("{action}.log"))).unwrap();
        Output { status, stdout: Vec::new(), stderr }
    }

    fn run(&self, desk: &Desk, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.current_dir(desk.folder()).args(arguments);
        let output = command.env("SLURM_CONF", self.0.path().join("slurm.conf")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Waits until something is so.
    fn wait_until(&self, mut is_so: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_secs(120), "it does not come to an end");
            sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.script("stop");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_slurm_array_with_a_killed_task_comes_to_the_same() {
    if !(is_there("slurmctld") && is_there("munged")) {
        return;
    }
    let desk = Desk::with_sweep(300);
    desk.said(&["run", "sweep.json", "--out", "whole", "--quiet"], 0);
    desk.said(&["plan", "sweep.json", "--out", "plan", "--shares", "4"], 0);
    let script = desk.said(&["export", "slurm", "plan"], 0);
    assert!(script.contains("#SBATCH --array=1-4\n"), "{script}");
    fs::write(desk.path("sweep.sh"), script).unwrap();

    let slurm = Slurm::start();
    let job = slurm.run(&desk, "sbatch", &["--parsable", "sweep.sh"]);
    let tasks = |states: &str| {
        let job = job.as_str();
        slurm.run(
            &desk,
            "squeue",
            &["--noheader", "--array", "--job", job, "--states", states, "--format", "%a"],
        )
    };
    // In the middle of the third: it has begun, and its runs take seconds.
    let begun = || {
        let files = fs::read_dir(desk.path("plan/runs")).unwrap();
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with(".3-of-4.runs-"))
    };
    slurm.wait_until(begun);
    slurm.run(&desk, "scancel", &["--signal=KILL", &format!("{job}_3")]);
    slurm.wait_until(|| tasks("PENDING,RUNNING,COMPLETING").is_empty());
    assert_eq!(desk.said(&["status", "plan", "--missing"], 5), "3\n");

    let missing = desk.said(&["status", "plan", "--missing"], 5);
    let array = format!("--array={}", missing.trim());
    let job = slurm.run(&desk, "sbatch", &["--parsable", &array, "sweep.sh"]);
    let left = || slurm.run(&desk, "squeue", &["--noheader", "--job", &job]);
    slurm.wait_until(|| left().is_empty());
    assert_eq!(desk.said(&["status", "plan"], 0), "plan: all 36 runs are there\n");
    desk.said(&["merge", "plan", "--out", "merged", "--quiet"], 0);
    assert_same(&desk.results("whole"), &desk.results("merged"));
}
