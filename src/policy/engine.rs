//! From facts to a decision.
//!
//! Cedar by itself fails open in four ways: a forbid that errors is skipped, a missing entity passes, attributes can
//! be absent without a schema, and arithmetic can overflow. Here: any evaluation error denies, both entities are
//! always present, the schema is always on, and no policy does arithmetic.

use super::{
    load::{self, LoadError, Loaded},
    permit::{OwnerFetch, Permit, Redelivery, Release},
};
use crate::model::{
    bundle::Bundle,
    facts::{OwnerFetchFacts, RedeliveryFacts, ReleaseFacts},
    ids::Digest,
};
use cedar_policy::{
    Authorizer, Context, Decision, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use std::str::FromStr;

/// One failing condition.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reason {
    /// Stable id.
    pub id: String,
    /// What failed.
    pub reason: String,
    /// What to do.
    pub advice: String,
    /// Whether the caller may read it; auditors always may.
    pub shown_to_caller: bool,
}

/// Policies do not allow it.
#[derive(Clone, Debug)]
pub struct Denied<F> {
    /// The facts it was decided from.
    pub facts: F,
    /// The bundle it was decided under.
    pub bundle: Digest,
    /// Every failing condition, sorted by id; never empty.
    pub reasons: Vec<Reason>,
}

/// A loaded bundle.
pub struct Engine {
    loaded: Loaded,
    bundle: Digest,
    authorizer: Authorizer,
}

impl Engine {
    /// Parses, validates and lints a bundle.
    ///
    /// # Errors
    /// [`LoadError`]; a bundle that does not load whole is not used at all.
    pub fn load(bundle: &Bundle) -> Result<Self, LoadError> {
        Ok(Self { loaded: load::load(bundle)?, bundle: bundle.digest(), authorizer: Authorizer::new() })
    }

    /// Digest of the loaded bundle.
    pub fn bundle(&self) -> Digest {
        self.bundle
    }

    /// Decides about a first delivery.
    ///
    /// # Errors
    /// [`Denied`] with every failing condition.
    pub fn decide_release(&self, facts: ReleaseFacts) -> Result<Permit<Release>, Box<Denied<ReleaseFacts>>> {
        self.answer(self.rejudge_release(&facts), facts).map(Permit::<Release>::release)
    }

    /// Judges a first delivery and permits nothing: every reason to refuse it, sorted; none if it is allowed.
    pub fn rejudge_release(&self, facts: &ReleaseFacts) -> Vec<Reason> {
        let record = facts.record();
        let reasons = self.judge("release", &record.officer.to_string(), ("Grant", record.grant.to_string()), record);
        self.under(facts.bundle(), reasons)
    }

    /// Decides about delivering a release again.
    ///
    /// # Errors
    /// [`Denied`] with every failing condition.
    pub fn decide_redelivery(
        &self,
        facts: RedeliveryFacts,
    ) -> Result<Permit<Redelivery>, Box<Denied<RedeliveryFacts>>> {
        let record = facts.record();
        let grant = ("Grant", record.grant.to_string());
        let reasons = self.judge("redeliver", &record.officer.to_string(), grant, record);
        self.answer(reasons, facts).map(Permit::<Redelivery>::redelivery)
    }

    /// Decides about an owner's own header.
    ///
    /// # Errors
    /// [`Denied`] with every failing condition.
    pub fn decide_owner_fetch(
        &self,
        facts: OwnerFetchFacts,
    ) -> Result<Permit<OwnerFetch>, Box<Denied<OwnerFetchFacts>>> {
        self.answer(self.rejudge_owner_fetch(&facts), facts).map(Permit::<OwnerFetch>::owner_fetch)
    }

    /// Judges an owner's fetch and permits nothing: every reason to refuse it, sorted; none if it is allowed.
    pub fn rejudge_owner_fetch(&self, facts: &OwnerFetchFacts) -> Vec<Reason> {
        let record = facts.record();
        let report = ("Report", record.report.to_string());
        let reasons = self.judge("fetch-owner-header", &record.caller.to_string(), report, record);
        self.under(facts.bundle(), reasons)
    }

    fn under(&self, in_force: Digest, mut reasons: Vec<Reason>) -> Vec<Reason> {
        if in_force != self.bundle {
            reasons.push(internal("bundle-mismatch", "The broker's rules are not the ones in force."));
            reasons.sort();
        }
        reasons
    }

    fn answer<F>(&self, reasons: Vec<Reason>, facts: F) -> Result<F, Box<Denied<F>>> {
        if reasons.is_empty() { Ok(facts) } else { Err(Box::new(Denied { facts, bundle: self.bundle, reasons })) }
    }

    /// Every reason to refuse; empty only when Cedar answered Allow and no policy erred.
    pub(super) fn judge(
        &self,
        action: &str,
        principal: &str,
        resource: (&str, String),
        facts: &impl serde::Serialize,
    ) -> Vec<Reason> {
        let Some(policies) = self.loaded.by_action.get(action) else {
            return vec![internal("no-permit", "Nothing allows this.")];
        };
        let asked = self.request(action, principal, resource, facts);
        let Some((request, entities)) = asked else {
            return vec![internal("facts-incomplete", "The facts do not fit the schema.")];
        };
        let response = self.authorizer.is_authorized(&request, policies, &entities);
        let mut reasons: Vec<Reason> =
            response.diagnostics().reason().filter_map(|id| policies.policy(id)).filter_map(spoken).collect();
        if response.diagnostics().errors().next().is_some() {
            reasons.push(internal("policy-error", "A rule could not be evaluated."));
        }
        if response.decision() == Decision::Deny && reasons.is_empty() {
            reasons.push(internal("no-permit", "Nothing allows this."));
        }
        reasons.sort();
        reasons
    }

    fn request(
        &self,
        action: &str,
        principal: &str,
        (kind, resource): (&str, String),
        facts: &impl serde::Serialize,
    ) -> Option<(Request, Entities)> {
        let action = uid("Action", action)?;
        let principal = uid("Caller", principal)?;
        let resource = uid(kind, &resource)?;
        let serde_json::Value::Object(facts) = serde_json::to_value(facts).ok()? else { return None };
        let context = Context::from_pairs(members(facts)?).ok()?;
        let entities = [Entity::with_uid(principal.clone()), Entity::with_uid(resource.clone())];
        let entities = Entities::from_entities(entities, Some(&self.loaded.schema)).ok()?;
        // Here the context is held against the schema: no member may be missing, unknown, or of another type.
        let request = Request::new(principal, action, resource, context, Some(&self.loaded.schema)).ok()?;
        Some((request, entities))
    }

    /// The actions the bundle decides about.
    pub fn actions(&self) -> impl Iterator<Item = &'static str> {
        self.loaded.by_action.keys().copied()
    }

    /// The conditions of one action with their words, sorted by id.
    pub fn conditions(&self, action: &str) -> Vec<Reason> {
        let policies = self.loaded.by_action.get(action);
        let mut conditions: Vec<Reason> =
            policies.into_iter().flat_map(PolicySet::policies).filter_map(spoken).collect();
        conditions.sort();
        conditions
    }

    /// Ids of the forbids of one action, sorted.
    pub fn forbids(&self, action: &str) -> Vec<String> {
        let ids = |set: &PolicySet| {
            set.policies().filter(|p| p.effect() == Effect::Forbid).map(|p| p.id().to_string()).collect()
        };
        let mut ids: Vec<String> = self.loaded.by_action.get(action).map(ids).unwrap_or_default();
        ids.sort();
        ids
    }
}

fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).ok()?, EntityId::new(id)))
}

/// Facts as Cedar has them. Reading them as JSON by the schema gives the same and takes ten times as long.
fn members(facts: serde_json::Map<String, serde_json::Value>) -> Option<Vec<(String, RestrictedExpression)>> {
    facts.into_iter().map(|(name, value)| Some((name, expression(value)?))).collect()
}

fn expression(value: serde_json::Value) -> Option<RestrictedExpression> {
    match value {
        serde_json::Value::Bool(value) => Some(RestrictedExpression::new_bool(value)),
        serde_json::Value::Number(value) => Some(RestrictedExpression::new_long(value.as_i64()?)),
        serde_json::Value::String(value) => Some(RestrictedExpression::new_string(value)),
        serde_json::Value::Array(values) => {
            let values: Option<Vec<_>> = values.into_iter().map(expression).collect();
            Some(RestrictedExpression::new_set(values?))
        }
        serde_json::Value::Object(facts) => RestrictedExpression::new_record(members(facts)?).ok(),
        serde_json::Value::Null => None,
    }
}

fn spoken(policy: &cedar_policy::Policy) -> Option<Reason> {
    let text = |key| policy.annotation(key).unwrap_or_default().to_owned();
    (policy.effect() == Effect::Forbid).then(|| Reason {
        id: policy.id().to_string(),
        reason: text("reason"),
        advice: text("advice"),
        shown_to_caller: policy.annotation("show") == Some("all"),
    })
}

fn internal(id: &str, reason: &str) -> Reason {
    Reason {
        id: id.to_owned(),
        reason: reason.to_owned(),
        advice: "Tell the operator of the broker; nothing was released.".to_owned(),
        shown_to_caller: true,
    }
}
