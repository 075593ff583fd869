//! The servers, as processes of their own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::ask;

const OFAC: &str = "fixtures/lists/ofac/2025-03-04/sdn_advanced.xml.bz2";

/// Killed when it is dropped.
pub struct Process(Child);

/// `interdict serve` on a home with a list and a key.
pub struct Desk {
    pub process: Process,
    pub address: String,
    pub key: String,
}

/// This program as [`serve_nothing`].
pub struct Empty {
    _process: Process,
    pub address: String,
}

impl Desk {
    pub fn start(program: &Path, folder: &Path) -> Result<Desk> {
        let home = super::fresh(folder)?;
        let listed: Vec<&str> = ask::listed().collect();
        let list = home.join("listed.txt");
        std::fs::write(&list, listed.join("\n"))?;
        let run = |words: &[&str]| -> Result<String> {
            let out = Command::new(program).args(words).arg("--home").arg(&home).output();
            let out = out.with_context(|| format!("cannot run {}", program.display()))?;
            let told = String::from_utf8_lossy(&out.stderr);
            ensure!(out.status.success(), "interdict {}: {told}", words.join(" "));
            Ok(String::from_utf8(out.stdout)?)
        };
        let list = list.to_str().context("a path that is text")?;
        run(&["lists", "import", "addresses", list])?;
        // All of OFAC's, so that what is looked through is as large as in use.
        let ofac = crate::setup::repository().join(OFAC);
        run(&["lists", "import", "ofac", ofac.to_str().context("a path that is text")?])?;
        let scopes = ["--scope", "screen", "--scope", "transfers", "--scope", "alerts"];
        let key = run(
            &[&["user", "key", "add", "load", "--per-s", "0", "--quiet"], &scopes[..]].concat()
        )?;
        let mut command = Command::new(program);
        command.args(["serve", "--port", "0", "--home"]).arg(&home);
        let (process, line) = Process::start(&mut command, &home)?;
        let address = line.rsplit("//").next().unwrap_or_default().trim().to_string();
        ensure!(address.contains(':'), "expected where it listens, got {line:?}");
        Ok(Desk { process, address, key: key.trim().to_string() })
    }

    /// Asked politely: it must end by itself.
    pub fn stop(mut self) -> Result<()> {
        let id = rustix::process::Pid::from_child(&self.process.0);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        let status = self.process.0.wait()?;
        ensure!(status.success(), "serve ended with {status}");
        Ok(())
    }
}

impl Empty {
    pub fn start() -> Result<Empty> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve-nothing");
        let (process, line) = Process::start(&mut command, &std::env::temp_dir())?;
        Ok(Empty { _process: process, address: line.trim().to_string() })
    }
}

impl Process {
    /// With its first line.
    fn start(command: &mut Command, folder: &Path) -> Result<(Process, String)> {
        let log: PathBuf = folder.join("serve.log");
        let log = std::fs::File::create(&log)
            .with_context(|| format!("cannot make {}", log.display()))?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let out = child.stdout.take().context("its output is piped")?;
        let process = Process(child);
        let mut lines = BufReader::new(out);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        // What else it says is read and dropped, or it would wait for a reader.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok((process, line))
    }

    /// Seconds of processor time so far.
    pub fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // After the name, which may hold anything, in brackets: proc_pid_stat(5).
        let rest = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks =
            |at: usize| -> Result<f64> { Ok(fields.get(at).context("a field of stat")?.parse()?) };
        Ok((ticks(11)? + ticks(12)?) / rustix::param::clock_ticks_per_second() as f64)
    }

    pub fn peak_bytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: f64 = line.context("a peak")?.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib * 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of the same library whose only handler reads the request and says 200.
pub fn serve_nothing() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = tokio::net::TcpListener::bind(address).await?;
        println!("{}", listener.local_addr()?);
        let nothing = axum::routing::post(|_: bytes::Bytes| async { "" });
        axum::serve(listener, axum::Router::new().route("/", nothing)).await?;
        Ok(())
    })
}
