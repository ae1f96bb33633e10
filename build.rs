//! Builds the page for people without a command line (`web/`) into the program, where Node.js is there.
//!
//! `AMANA_WEB`: `auto` (default) warns and goes on without the page when it cannot be built, `require` fails, `skip` does
//! not try. Everything happens in `OUT_DIR`: the source tree stays as it is.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the page is made from, beside `web/src` and `web/scripts`.
const FILES: &[&str] = &[
    "index.html",
    "offline.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
    "vite.offline.config.ts",
];
/// Folders it is made from, as they lie in the repository.
const FOLDERS: &[&str] = &["web/src", "web/scripts", "policies", "src/client/receipt/words"];

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=AMANA_WEB");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let wanted = ["CARGO_FEATURE_WEB", "CARGO_FEATURE_SERVER"].iter().all(|name| env::var_os(name).is_some());
    let how = env::var("AMANA_WEB").unwrap_or_else(|_| "auto".to_owned());
    let built = if !wanted || how == "skip" {
        Err("it was left out on purpose when this program was built".to_owned())
    } else {
        watch();
        build(&out)
    };
    if let Err(why) = &built
        && wanted
        && how != "skip"
    {
        if how == "require" {
            return Err(format!("the page cannot be built: {why}"));
        }
        println!("cargo::warning=the program is built without its page: {}", why.replace('\n', " "));
    }
    fs::write(out.join("web.rs"), listing(&out.join("web/dist"), built.err().as_deref()))
        .map_err(|e| format!("cannot write the list of the page's files: {e}"))
}

fn watch() {
    for file in FILES {
        println!("cargo::rerun-if-changed=web/{file}");
    }
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
    }
}

/// Copies, installs and builds; answers in words what was in the way.
fn build(out: &Path) -> Result<(), String> {
    let major = answer(Command::new("node").arg("--version"))
        .ok()
        .and_then(|version| version.trim().trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
    if major.is_none_or(|major| major < 20) {
        return Err(
            "Node.js 20.19 or newer with npm was not there; install it (https://nodejs.org) and build again".to_owned()
        );
    }
    let web = out.join("web");
    for folder in FOLDERS {
        let to = out.join(folder);
        drop(fs::remove_dir_all(&to));
        copy(Path::new(folder), &to).map_err(|e| format!("{folder} cannot be copied: {e}"))?;
    }
    for file in FILES {
        fs::copy(Path::new("web").join(file), web.join(file))
            .map_err(|e| format!("web/{file} cannot be copied: {e}"))?;
    }
    install(&web)?;
    drop(fs::remove_dir_all(web.join("dist")));
    answer(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&web)).map(drop)
}

/// Installs what the lockfile names, once.
fn install(web: &Path) -> Result<(), String> {
    let (lock, of) = (web.join("package-lock.json"), web.join("node_modules/.of-lock"));
    let same = fs::read(&lock).is_ok_and(|bytes| fs::read(&of).is_ok_and(|before| before == bytes));
    if same {
        return Ok(());
    }
    let quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    answer(Command::new("npm").args(quiet).current_dir(web))?;
    fs::copy(lock, of).map(drop).map_err(|e| e.to_string())
}

fn answer(command: &mut Command) -> Result<String, String> {
    let name = format!("{command:?}");
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Err(format!("{name} failed: {}{}", out.trim(), err.trim()))
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).map(drop)?;
        }
    }
    Ok(())
}

/// The page's files as Rust: path, SHA-256, and the bytes plain and compressed; or why there are none.
fn listing(dist: &Path, missing: Option<&str>) -> String {
    let manifest = match missing {
        Some(_) => String::new(),
        None => fs::read_to_string(dist.join("assets.txt")).unwrap_or_default() + "  assets.txt\n",
    };
    let rows: Vec<String> = manifest
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sha256, path)| row(dist, sha256, path))
        .collect();
    format!(
        "pub(super) static ASSETS: &[Asset] = &[\n{}];\npub(super) const MISSING: Option<&str> = {missing:?};\n",
        rows.concat()
    )
}

fn row(dist: &Path, sha256: &str, path: &str) -> String {
    let bytes =
        |suffix: &str| format!("include_bytes!({:?})", dist.join(format!("{path}{suffix}")).display().to_string());
    let (plain, gzip, brotli) = (bytes(""), bytes(".gz"), bytes(".br"));
    format!("    Asset {{ path: {path:?}, sha256: {sha256:?}, plain: {plain}, gzip: {gzip}, brotli: {brotli} }},\n")
}
