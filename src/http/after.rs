//! Which page of a list is wanted: `?after=`, the `next` of the page before.

use super::problem::Failure;
use crate::wire::problem::{Problem, ProblemType};
use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use serde::Deserialize;

/// `next` of the page before, as it was given; none asks for the first.
pub(super) struct After(pub(super) Option<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    after: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for After {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Ok(Query(Asked { after })) = Query::from_request_parts(parts, state).await else {
            let problem = Problem::new(ProblemType::Malformed);
            return Err(problem.with_detail("the query takes `after`, the `next` of the page before").into());
        };
        Ok(Self(after))
    }
}
