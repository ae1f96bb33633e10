//! Loading a bundle: parse, validate strictly, lint, slice by action.

use crate::model::bundle::Bundle;
use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator,
};
use std::{collections::BTreeMap, str::FromStr};

/// A bundle that must not be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is missing.
    #[error("the bundle has no file {0}")]
    Missing(&'static str),
    /// Not Cedar.
    #[error("{file} does not parse: {reason}")]
    Parse {
        /// The file.
        file: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// Fails validation against the schema.
    #[error("the policies do not validate against the schema: {0}")]
    Invalid(String),
    /// Breaks a rule of this house.
    #[error("policy {policy}: {rule}")]
    Lint {
        /// The policy's `@id`, or Cedar's own.
        policy: String,
        /// The rule.
        rule: &'static str,
    },
}

/// The actions policies decide, as Cedar names them.
pub(super) const ACTIONS: [&str; 3] = ["release", "redeliver", "fetch-owner-header"];

/// Policies of each action, validated.
pub(super) struct Loaded {
    pub(super) schema: Schema,
    pub(super) by_action: BTreeMap<&'static str, PolicySet>,
}

pub(super) fn load(bundle: &Bundle) -> Result<Loaded, LoadError> {
    let text = |file: &'static str| bundle.file(file).ok_or(LoadError::Missing(file));
    let schema = Schema::from_cedarschema_str(text("schema.cedarschema")?)
        .map_err(|e| LoadError::Parse { file: "schema.cedarschema", reason: e.to_string() })?
        .0;
    let mut policies = Vec::new();
    for (file, effect) in [("permits.cedar", Effect::Permit), ("forbids.cedar", Effect::Forbid)] {
        let set = PolicySet::from_str(text(file)?).map_err(|e| LoadError::Parse { file, reason: e.to_string() })?;
        for policy in set.policies() {
            policies.push(lint(policy, effect)?);
        }
    }
    let whole = PolicySet::from_policies(policies.iter().cloned())
        .map_err(|_| LoadError::Lint { policy: "all".to_owned(), rule: "two policies have the same @id" })?;
    let result = Validator::new(schema.clone()).validate(&whole, ValidationMode::Strict);
    if !result.validation_passed_without_warnings() {
        let words = result.validation_errors().map(ToString::to_string);
        let words: Vec<_> = words.chain(result.validation_warnings().map(ToString::to_string)).collect();
        return Err(LoadError::Invalid(words.join("; ")));
    }
    Ok(Loaded { schema, by_action: slice(&policies)? })
}

/// Gives the policy its `@id` as Cedar id, and refuses one without words for people.
fn lint(policy: &Policy, effect: Effect) -> Result<Policy, LoadError> {
    let name = policy.annotation("id").unwrap_or("").to_owned();
    let refuse = |rule| LoadError::Lint { policy: format!("{} {name}", policy.id()), rule };
    if name.is_empty() {
        return Err(refuse("has no @id"));
    }
    if policy.effect() != effect {
        return Err(refuse("stands in the wrong file: permits and forbids are kept apart"));
    }
    if effect == Effect::Forbid {
        let spoken = |key| policy.annotation(key).is_some_and(|text: &str| !text.is_empty());
        if !(spoken("reason") && spoken("advice") && matches!(policy.annotation("show"), Some("all" | "auditor"))) {
            return Err(refuse("needs @reason, @advice and @show (all or auditor)"));
        }
    }
    Ok(policy.new_id(PolicyId::new(name)))
}

/// Cedar has no index over actions; deciding is linear in the number of policies, so each action gets its own set.
fn slice(policies: &[Policy]) -> Result<BTreeMap<&'static str, PolicySet>, LoadError> {
    let mut by_action = BTreeMap::new();
    for action in ACTIONS {
        let applies = |policy: &&Policy| match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => is(&uid, action),
            ActionConstraint::In(uids) => uids.iter().any(|uid| is(uid, action)),
        };
        let mine: Vec<Policy> = policies.iter().filter(applies).cloned().collect();
        if !mine.iter().any(|policy| policy.effect() == Effect::Permit) {
            return Err(LoadError::Lint { policy: action.to_owned(), rule: "this action has no permit" });
        }
        let set = PolicySet::from_policies(mine).map_err(|e| LoadError::Invalid(e.to_string()))?;
        by_action.insert(action, set);
    }
    Ok(by_action)
}

fn is(uid: &EntityUid, action: &str) -> bool {
    uid.type_name().to_string() == "Action" && uid.id().unescaped() == action
}
