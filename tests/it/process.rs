//! A broker as a process of its own, which a test can kill at any moment.

use crate::{
    proxy::Proxy,
    socket,
    stage::{Stage, eventually},
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

/// A broker's process on a stage's folder; killed when dropped.
pub struct Process {
    listen: String,
    dir: PathBuf,
    public: Option<String>,
    /// More arguments.
    more: Vec<String>,
    child: Option<Child>,
}

impl Process {
    /// Starts a broker on the folder and names its address in `stage.url`.
    pub fn start(stage: &mut Stage) -> Self {
        Self::start_on(stage, "broker")
    }
    /// As [`Process::start`], on another folder of the stage.
    pub fn start_on(stage: &mut Stage, folder: &str) -> Self {
        Self::start_as(stage, folder, Vec::new())
    }
    /// As [`Process::start`], with more arguments.
    pub fn start_with(stage: &mut Stage, more: &[&str]) -> Self {
        Self::start_as(stage, "broker", more.iter().map(|argument| (*argument).to_owned()).collect())
    }
    fn start_as(stage: &mut Stage, folder: &str, more: Vec<String>) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut process = Self { listen: free.to_string(), dir: stage.path(folder), public: None, more, child: None };
        stage.url = format!("http://{free}");
        process.up();
        process
    }
    /// Starts a broker behind a proxy, whose address is the broker's public one and goes into `stage.url`.
    pub fn start_behind(stage: &mut Stage, proxy: &Proxy) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let public = Some(proxy.url());
        let mut process =
            Self { listen: free.to_string(), dir: stage.path("broker"), public, more: Vec::new(), child: None };
        proxy.lead_to(free);
        stage.url = proxy.url();
        process.up();
        process
    }
    /// Starts it again after [`Process::kill`].
    pub fn up(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = serve(&self.dir, &self.listen);
        if let Some(public) = &self.public {
            command.args(["--public-url", public]);
        }
        command.args(&self.more);
        self.child = Some(command.env("AMANA_LOG", "info").stderr(log).spawn().unwrap());
        let (url, health) = (format!("http://{}", self.listen), socket::request("GET", "/healthz", "", b""));
        eventually("the broker answers", || {
            let running = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(running.is_none(), "the broker ended: {running:?}");
            std::net::TcpStream::connect(&self.listen).is_ok() && socket::exchange(&url, &health).is_ok()
        });
    }
    /// SIGKILL: nothing is finished, flushed or said.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    /// SIGTERM; returns how it ended and how long that took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let mut child = self.child.take().unwrap();
        let began = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        (child.wait().unwrap(), began.elapsed())
    }
    pub fn listen(&self) -> &str {
        &self.listen
    }
    /// What it said on standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap()
    }
    /// Most memory it ever had resident, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.as_ref().unwrap().id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse().unwrap()
    }
    fn log_path(&self) -> PathBuf {
        self.dir.with_extension("log")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(dir: &Path, listen: &str) -> Command {
    // Measurements run an optimised one.
    let program = std::env::var("AMANA_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_amana").to_owned());
    let mut command = Command::new(program);
    // Programs ask faster than people: no quota is what these tests are about.
    command.args(["serve", "--quota-entries", "1000000", "--rate", "10000000", "--listen", listen, "--dir"]).arg(dir);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env("AMANA_LOG", "off");
    command
}

/// Runs a broker that is expected to refuse to start; fails when it still runs after a minute.
pub fn refused(dir: &Path, listen: &str) -> Output {
    refused_with(dir, listen, &[])
}

/// As [`refused`], with more arguments.
pub fn refused_with(dir: &Path, listen: &str, more: &[&str]) -> Output {
    let mut child = serve(dir, listen).args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut ended = false;
    while !ended && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        ended = child.try_wait().unwrap().is_some();
    }
    if !ended {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(ended, "the broker did not refuse to start: {output:?}");
    output
}
