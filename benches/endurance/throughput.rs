//! Uploads against `cat` and `sync` on the same volume, downloads against nginx with the same reader: rounds in turn, so
//! that what disturbs the machine disturbs both.

use crate::{
    process::Process,
    socket::{self, Raw, read_answer, read_head},
    stage::{Stage, eventually},
};
use amana::{
    client::report::{ManifestDraft, Plan},
    client::reporting::SealedReport,
    client::seal::SealedFile,
    model::{
        ids::ReportId,
        report::{ReportKind, Tier},
    },
};
use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

const TUS: &str = "Tus-Resumable: 1.0.0\r\n";

/// How long something takes.
pub fn timed<T>(act: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let outcome = act();
    (outcome, began.elapsed().as_secs_f64())
}

/// A child that is ended when dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub fn measure(mib: u64, rounds: u64) {
    let mut stage = Stage::laid();
    let _process = Process::start(&mut stage);
    stage.cast.enrol_advocate(&stage.url).unwrap();
    let (sealed, draft) = sealed(&mut stage, mib);
    let file = SealedFile::open(&sealed).unwrap();
    let (skip, bytes) = (file.header().as_bytes().len() as u64, file.payload_bytes());
    let payload = stage.path("payload.bin");
    let mut from = File::open(&sealed).unwrap();
    from.seek(SeekFrom::Start(skip)).unwrap();
    std::io::copy(&mut from, &mut File::create(&payload).unwrap()).unwrap();

    let [mut cat, mut raw] = [const { Vec::new() }; 2];
    for _ in 0..rounds {
        cat.push(rate(bytes, timed(|| copied(&payload, &stage.path("copy.bin"))).1));
        fs::remove_file(stage.path("copy.bin")).unwrap();
        raw.push(rate(bytes, patched(&stage, &payload, bytes)));
        println!("  upload, MiB/s: cat and sync {:.0}, one PATCH {:.0}", cat[cat.len() - 1], raw[raw.len() - 1]);
    }
    // One payload belongs to one report, so this is timed once. It compares the file with its statement first.
    let report = stage.as_advocate(|desk| Ok(ReportId::from(desk.declare(draft)?.id))).unwrap();
    let upload = || stage.as_advocate(|desk| desk.upload(report, &sealed, &mut |_| {})).unwrap();
    let desk = rate(bytes, timed(upload).1);
    let (cat, raw) = (median(cat), median(raw));
    println!(
        "upload of {mib} MiB, medians: cat and sync {cat:.0} MiB/s, one PATCH {raw:.0} ({:.2}), Desk::upload once {desk:.0} \
         ({:.2}); target 0.6",
        raw / cat,
        desk / cat
    );

    let Some(nginx) = nginx(&stage, &stored(&stage, report)) else {
        println!("download: nginx is not installed (set AMANA_NGINX)");
        return;
    };
    let [mut ours, mut theirs] = [const { Vec::new() }; 2];
    for _ in 0..rounds {
        let request = Raw::sign_in(&stage, &stage.cast.advocate).request(
            "GET",
            &format!("/v1/reports/{report}/payload"),
            "",
            b"",
        );
        ours.push(rate(bytes, timed(|| read_all(&stage.url, &request, bytes)).1));
        let request = socket::request("GET", "/payload", "", b"");
        theirs.push(rate(bytes, timed(|| read_all(&nginx.1, &request, bytes)).1));
        println!("  download, MiB/s: broker {:.0}, nginx {:.0}", ours[ours.len() - 1], theirs[theirs.len() - 1]);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "download of {mib} MiB, medians: broker {ours:.0} MiB/s, nginx without sendfile {theirs:.0} ({:.2}); target 0.8",
        ours / theirs
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rate(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / seconds / f64::from(1 << 20)
}

fn stored(stage: &Stage, report: ReportId) -> std::path::PathBuf {
    stage.path("broker/data/payloads").join(report.to_string())
}

fn sealed(stage: &mut Stage, mib: u64) -> (std::path::PathBuf, SealedReport) {
    let (source, sealed) = (stage.path("footage.bin"), stage.path("footage.age"));
    File::create(&source).unwrap().set_len(mib << 20).unwrap();
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let tier = Tier::try_from(2).unwrap();
    let draft = stage.as_advocate(|desk| desk.seal(&plan, tier, ReportKind::Original, &sealed, &mut |_| {})).unwrap();
    (sealed, draft)
}

fn copied(from: &Path, to: &Path) {
    let script = "cat \"$1\" > \"$2\" && sync \"$2\"";
    assert!(Command::new("sh").args(["-c", script, "sh"]).arg(from).arg(to).status().unwrap().success());
}

/// Seconds from the first byte of one `PATCH` to its answer, which says that all is durable.
fn patched(stage: &Stage, payload: &Path, bytes: u64) -> f64 {
    let raw = Raw::sign_in(stage, &stage.cast.advocate);
    let begun = raw.ask("POST", "/v1/uploads", &format!("{TUS}Upload-Length: {bytes}\r\n"), b"").unwrap();
    let path = begun.header("location").unwrap().to_owned();
    let headers = format!(
        "{TUS}Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: {bytes}\r\n"
    );
    let mut file = File::open(payload).unwrap();
    let ((), took) = timed(|| {
        let mut stream = raw.send("PATCH", &path, &headers, b"");
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = file.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            stream.write_all(&buffer[..read]).unwrap();
        }
        assert_eq!(read_answer(&mut stream).unwrap().status, 204);
    });
    assert_eq!(raw.ask("DELETE", &path, TUS, b"").unwrap().status, 204);
    took
}

fn read_all(url: &str, request: &[u8], bytes: u64) {
    let mut stream: TcpStream = socket::connect(url);
    stream.write_all(request).unwrap();
    assert!(read_head(&mut stream).unwrap().starts_with("HTTP/1.1 200"));
    let (mut buffer, mut left) = (vec![0; 256 << 10], bytes);
    while left > 0 {
        let read = stream.read(&mut buffer).unwrap() as u64;
        assert!(read > 0, "{left} bytes are missing");
        left -= read;
    }
}

/// nginx on loopback with a configuration of its own, that serves the payload's folder without sendfile.
fn nginx(stage: &Stage, payload: &Path) -> Option<(Ended, String)> {
    let folder = stage.path("nginx");
    fs::create_dir_all(folder.join("root")).unwrap();
    fs::hard_link(payload, folder.join("root/payload")).unwrap();
    let open = |path: &Path| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    [stage.dir.path(), &folder, &folder.join("root"), &folder.join("root/payload")].into_iter().for_each(open);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {at}/pid; error_log stderr; events {{ worker_connections 64; }}\n\
         http {{ access_log off; sendfile off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;\n\
         uwsgi_temp_path {at}/u; scgi_temp_path {at}/s; default_type application/octet-stream;\n\
         server {{ listen 127.0.0.1:{port}; root {at}/root; }} }}\n"
    );
    fs::write(folder.join("nginx.conf"), text).unwrap();
    let program = std::env::var("AMANA_NGINX").unwrap_or_else(|_| "nginx".to_owned());
    let mut command = Command::new(program);
    command.arg("-p").arg(&folder).arg("-c").arg(folder.join("nginx.conf")).stderr(Stdio::null());
    let running = Ended(command.spawn().ok()?);
    eventually("nginx answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    Some((running, format!("http://127.0.0.1:{port}")))
}
