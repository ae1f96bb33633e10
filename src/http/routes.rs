//! The route table: every path, its methods, and who may call it.

use super::{
    audit, freezes, grants, health, inbox, log, openapi, register, releases, reports, revocations, statements, token,
    uploads, web, well_known,
};
use crate::{broker::Broker, model::limits};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post, put},
};
use std::sync::Arc;

/// Who may call an endpoint. Whose things they see is decided further in, and answered 404.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anybody.
    Anybody,
    /// Anybody: the signature inside is the authority.
    Signature,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever owns it.
    Owner,
    /// The officer it belongs to.
    Officer,
    /// Auditors.
    Auditor,
}

/// One endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// Method.
    pub method: &'static str,
    /// Path, with parameters in braces.
    pub path: &'static str,
    /// Who.
    pub access: Access,
}

const fn route(method: &'static str, path: &'static str, access: Access) -> Route {
    Route { method, path, access }
}

/// Every endpoint there is.
pub const ROUTES: &[Route] = &[
    route("GET", "/.well-known/oauth-authorization-server", Access::Anybody),
    route("GET", "/.well-known/jwks.json", Access::Anybody),
    route("POST", "/oauth/token", Access::Signature),
    route("GET", "/healthz", Access::Anybody),
    route("GET", "/readyz", Access::Anybody),
    route("GET", "/v1/openapi.json", Access::Anybody),
    route("GET", "/log/{log}/checkpoint", Access::Anybody),
    route("GET", "/log/{log}/tile/{path}", Access::Anybody),
    route("GET", "/v1/genesis", Access::Anybody),
    route("GET", "/v1/register", Access::Anybody),
    route("GET", "/v1/case/checkpoint", Access::SignedIn),
    route("POST", "/v1/evidence", Access::Signature),
    route("POST", "/v1/parties", Access::Signature),
    route("POST", "/v1/revocations", Access::Signature),
    route("POST", "/v1/freezes", Access::Signature),
    route("POST", "/v1/statements", Access::SignedIn),
    route("GET", "/v1/inbox", Access::SignedIn),
    route("GET", "/v1/reports", Access::SignedIn),
    route("POST", "/v1/reports", Access::Owner),
    route("PUT", "/v1/reports/{id}/payload", Access::Owner),
    route("GET", "/v1/reports/{id}/payload", Access::Owner),
    route("POST", "/v1/reports/{id}/owner-header", Access::Owner),
    route("PUT", "/v1/reports/{id}/owner-header", Access::Owner),
    route("OPTIONS", "/v1/uploads", Access::Anybody),
    route("GET", "/v1/uploads", Access::SignedIn),
    route("POST", "/v1/uploads", Access::SignedIn),
    route("OPTIONS", "/v1/uploads/{id}", Access::Anybody),
    route("HEAD", "/v1/uploads/{id}", Access::Owner),
    route("PATCH", "/v1/uploads/{id}", Access::Owner),
    route("DELETE", "/v1/uploads/{id}", Access::Owner),
    route("GET", "/v1/requests", Access::SignedIn),
    route("GET", "/v1/grants", Access::SignedIn),
    route("POST", "/v1/grants", Access::Owner),
    route("POST", "/v1/grants/preview", Access::Owner),
    route("PUT", "/v1/grants/{id}/header", Access::Owner),
    route("POST", "/v1/grants/{id}/releases", Access::Officer),
    route("GET", "/v1/releases/{id}/report.age", Access::Officer),
    route("GET", "/v1/disclosure", Access::SignedIn),
    route("GET", "/v1/audit/bundle", Access::Auditor),
];

/// The service.
pub fn router(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(well_known::metadata))
        .route("/.well-known/jwks.json", get(well_known::jwks))
        .route("/oauth/token", post(token::issue))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/v1/openapi.json", get(openapi::answer))
        .route("/log/{log}/checkpoint", get(log::checkpoint))
        .route("/log/{log}/tile/{*path}", get(log::tile))
        .route("/v1/genesis", get(register::genesis))
        .route("/v1/register", get(register::page))
        .route("/v1/case/checkpoint", get(register::case_head))
        .route("/v1/evidence", post(register::evidence))
        .route("/v1/parties", post(statements::enrol))
        .route(revocations::PATH, post(revocations::revoke))
        .route(freezes::PATH, post(freezes::freeze))
        .route("/v1/statements", post(statements::submit))
        .route(inbox::PATH, get(inbox::page))
        .route("/v1/reports", get(reports::list).post(reports::declare))
        .route("/v1/reports/{id}/payload", put(reports::publish).get(reports::own_payload))
        .route("/v1/reports/{id}/owner-header", post(reports::owner_header).put(reports::replace_owner_header))
        .merge(uploads::router())
        .merge(web::router())
        .route("/v1/requests", get(grants::requests))
        .route("/v1/grants", get(grants::list).post(grants::give))
        .route("/v1/grants/preview", post(grants::preview))
        .route("/v1/grants/{id}/header", put(grants::complete))
        .route("/v1/grants/{id}/releases", post(releases::release))
        .route("/v1/releases/{id}/report.age", get(releases::download))
        .route("/v1/disclosure", get(audit::disclosure))
        .route("/v1/audit/bundle", get(audit::bundle))
        .fallback(super::problem::not_found)
        .method_not_allowed_fallback(super::problem::not_found)
        .layer(axum::middleware::from_fn_with_state(broker.clone(), super::rates::limit))
        .layer(axum::middleware::map_response(super::problem::private))
        .layer(DefaultBodyLimit::max(limits::JSON_BODY_BYTES))
        .with_state(broker)
}
