//! The page that is built into the program: what is served, under which rules, and what stays the same for ever.

use crate::stage::Stage;
use amana::{
    client::served,
    http::{PAGES, page_digest, page_missing},
    model::ids::Digest,
};
use ureq::http::{HeaderMap, Request, Response};

/// Asks for a path, with these headers besides.
fn ask(stage: &Stage, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let agent = ureq::Agent::new_with_config(ureq::config::Config::builder().http_status_as_error(false).build());
    let mut request = Request::get(format!("{}{path}", stage.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer: Response<ureq::Body> = agent.run(request.body(()).unwrap()).unwrap();
    let body = answer.body_mut().read_to_vec().unwrap();
    (answer.status().as_u16(), answer.headers().clone(), body)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Path and digest of every file of the page, as its manifest names them.
fn manifest(stage: &Stage) -> Vec<(String, String)> {
    let (_, _, text) = ask(stage, "/assets.txt", &[]);
    let text = String::from_utf8(text).unwrap();
    text.lines().map(|line| line.split_once("  ").unwrap()).map(|(d, p)| (p.to_owned(), d.to_owned())).collect()
}

/// A program that was built without the page says so; everything below is about one that was built with it.
fn is_here() -> bool {
    if let Some(why) = page_missing() {
        println!("the page is not in this program: {why}");
    }
    page_missing().is_none()
}

#[test]
fn without_its_page_a_broker_says_where_it_would_be() {
    if !is_here() {
        let (status, _, body) = ask(&Stage::founded(), "/", &[]);
        assert_eq!((status, String::from_utf8(body).unwrap().contains("Its page is not here")), (404, true));
    }
}

#[test]
fn every_file_is_what_the_manifest_names() {
    if !is_here() {
        return;
    }
    let stage = Stage::founded();
    let files = manifest(&stage);
    assert!(files.iter().any(|(path, _)| path == "index.html"), "{files:?}");
    for (path, digest) in files {
        let at = if path == "index.html" { "/".to_owned() } else { format!("/{path}") };
        let (status, headers, body) = ask(&stage, &at, &[]);
        assert_eq!((status, Digest::of(&body).to_string()), (200, digest), "{path}");
        assert_eq!(header(&headers, "content-encoding"), "", "{path}");
    }
}

#[test]
fn scripts_run_only_from_here_and_only_by_their_hash() {
    if !is_here() {
        return;
    }
    let stage = Stage::founded();
    let (_, headers, body) = ask(&stage, "/", &[]);
    let policy = header(&headers, "content-security-policy");
    for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "require-trusted-types-for 'script'"]
    {
        assert!(policy.contains(rule), "{rule} is missing in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!(header(&headers, "integrity-policy"), "blocked-destinations=(script)");
    assert_eq!(header(&headers, "referrer-policy"), "no-referrer");
    assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
    let html = String::from_utf8(body).unwrap();
    let scripts = html.matches("<script").count();
    assert_eq!((scripts, html.matches("<script type=\"module\" crossorigin src=\"/assets/").count()), (1, 1), "{html}");
    assert_eq!(html.matches("integrity=\"sha384-").count(), 2, "one script and one style: {html}");
    assert!(!html.contains("style=") && !html.contains("<style"), "{html}");
}

#[test]
fn what_bears_its_hash_is_kept_for_ever_and_the_rest_asked_for_anew() {
    if !is_here() {
        return;
    }
    let stage = Stage::founded();
    for (path, _) in manifest(&stage).into_iter().filter(|(path, _)| path.starts_with("assets/")) {
        let (_, headers, _) = ask(&stage, &format!("/{path}"), &[]);
        assert_eq!(header(&headers, "cache-control"), "public, max-age=31536000, immutable", "{path}");
    }
    let (_, headers, _) = ask(&stage, "/", &[]);
    assert_eq!(header(&headers, "cache-control"), "no-cache");
    let (_, saved, _) = ask(&stage, "/offline.html", &[]);
    assert!(header(&saved, "content-disposition").starts_with("attachment"), "it would run under this origin");
    assert_eq!(header(&saved, "cache-control"), "no-cache");
    let tag = header(&headers, "etag").to_owned();
    let (status, _, body) = ask(&stage, "/", &[("if-none-match", &tag)]);
    assert_eq!((status, body.len()), (304, 0));
    let (status, ..) = ask(&stage, "/", &[("if-none-match", "\"another\"")]);
    assert_eq!(status, 200);
}

#[test]
fn files_are_sent_in_the_smallest_form_the_caller_takes() {
    if !is_here() {
        return;
    }
    let stage = Stage::founded();
    let script = manifest(&stage).into_iter().find(|(path, _)| path.ends_with(".js")).unwrap().0;
    let size = |accepts: &str| {
        let (_, headers, body) = ask(&stage, &format!("/{script}"), &[("accept-encoding", accepts)]);
        assert_eq!(header(&headers, "vary"), "accept-encoding");
        (header(&headers, "content-encoding").to_owned(), header(&headers, "etag").to_owned(), body.len())
    };
    let (plain, gzip, brotli) = (size("identity"), size("gzip, br;q=0"), size("gzip, deflate, br"));
    assert_eq!((plain.0.as_str(), gzip.0.as_str(), brotli.0.as_str()), ("", "gzip", "br"));
    assert!(brotli.2 < gzip.2 && gzip.2 * 2 < plain.2, "{brotli:?} {gzip:?} {plain:?}");
    assert!(plain.1 != gzip.1 && gzip.1 != brotli.1, "one tag for different bytes");
}

#[test]
fn every_path_of_the_page_is_the_same_for_everybody() {
    let paths: Vec<_> = PAGES.iter().map(|page| (page.method, page.path)).collect();
    assert_eq!(paths, [("GET", "/"), ("GET", "/assets.txt"), ("GET", "/offline.html"), ("GET", "/assets/{file}")]);
    if is_here() {
        let stage = Stage::founded();
        let anybody = ask(&stage, "/", &[]).2;
        let somebody = ask(&stage, "/", &[("authorization", "DPoP x"), ("cookie", "a=b"), ("accept-language", "ar")]).2;
        assert!(anybody == somebody, "the page depends on who asks");
    }
}

#[test]
fn nothing_else_is_served_beside_it() {
    let stage = Stage::founded();
    for path in
        ["/assets/", "/assets/x.js", "/assets/../index.html", "/index.html", "/web", "/assets/%2e%2e/assets.txt"]
    {
        assert_eq!(ask(&stage, path, &[]).0, 404, "{path}");
    }
}

#[test]
fn a_page_is_vouched_for_when_enough_administrators_signed_its_digest_and_not_before() {
    if !is_here() {
        return;
    }
    let mut stage = Stage::founded();
    let served = stage.as_auditor(|desk| Ok(served::fetch(desk.remote()).unwrap())).unwrap();
    assert_eq!(Some(served.assets), page_digest(), "what is served is what was built in");
    let version = || "1".parse().unwrap();
    let proposal = stage.as_administrator(0, |desk| desk.vouch_for_page(served.assets, version())).unwrap().id;
    let other =
        stage.as_administrator(0, |desk| desk.vouch_for_page(Digest::of(b"another page"), version())).unwrap().id;
    let vouched = |stage: &mut Stage| {
        stage.as_auditor(|desk| {
            desk.refresh()?;
            Ok(desk.mirror().vouched_page(served.assets))
        })
    };
    assert!(vouched(&mut stage).unwrap().is_none(), "one administrator is not enough");
    assert!(stage.as_administrator(0, |desk| desk.approve(proposal)).is_err(), "nobody approves their own");
    stage.as_administrator(1, |desk| desk.approve(other)).unwrap();
    assert!(vouched(&mut stage).unwrap().is_none(), "another page is another page");
    stage.as_administrator(1, |desk| desk.approve(proposal)).unwrap();
    assert_eq!(vouched(&mut stage).unwrap().map(|found| found.statement), Some(proposal));
    stage.audit("audit");
}
