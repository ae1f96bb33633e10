"""Cedar's Python binding decides again whatever an exported audit bundle records as decided, and every golden case of its
policies.

usage: judge.py AUDIT_FOLDER

Goes by docs/protocol.md: facts are the context, word for word; the principal is the caller's key, the resource the
grant or report. Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
"""

import hashlib
import json
import sys
from pathlib import Path

import cedarpy

# Cedar action → kind of its facts, the fact that is the principal, type and fact of the resource.
ACTIONS = {
    "release": ("release", "officer", "Grant", "grant"),
    "redeliver": ("release", "officer", "Grant", "grant"),
    "fetch-owner-header": ("owner-fetch", "caller", "Report", "report"),
}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    # Of a signed note: text, empty line, signatures. The text is one line of JSON.
    in_force = json.loads((folder / "genesis.note").read_text().splitlines()[0])["bundle"]
    rules = Rules(folder / "policies" / in_force)
    assert rules.digest == in_force, f"the policies have the digest {rules.digest}, genesis names {in_force}"
    holds("the exported policies have the digest that genesis names")

    decided = {"released": 0, "release-denied": 0, "owner-header-fetched": 0}
    changed = 0
    for line in (folder / "case.jsonl").read_text().splitlines():
        entry = json.loads(line)
        event = json.loads(entry["shared"])["event"]
        event = event if isinstance(event, str) else next(iter(event))
        if event not in decided:
            continue
        part = json.loads(entry["auditor"])
        assert part["bundle"] == in_force
        ((kind, facts),) = part["facts"].items()
        action = "fetch-owner-header" if event == "owner-header-fetched" else "release"
        assert kind == ACTIONS[action][0]
        recorded = (part["decision"], part.get("reasons", []))
        found = rules.decide(action, facts)
        assert found == recorded, f"{event}: recorded {recorded}, Cedar decides {found}"
        assert part["decision"] == ("deny" if event == "release-denied" else "allow"), event
        decided[event] += 1
        # A judge that always agrees is none: with another office, the same facts are denied.
        other = rules.decide(action, {**facts, "role": "administrator"})
        assert other[0] == "deny" and other != recorded
        changed += 1
    assert all(decided.values()), f"a kind of decision does not occur: {decided}"
    counts = ", ".join(f"{count} {event}" for event, count in decided.items())
    holds(f"decides as recorded, with the same reasons: {counts}")
    holds(f"decides otherwise about an administrator with the same facts, {changed} times")
    golden(rules)


def golden(rules: "Rules") -> None:
    """The cases that came with the policies: what differs from facts in which everything is right, and what then fails."""
    base = rules.test("base.json")
    for name in ("release.json", "owner-fetch.json"):
        cases = rules.test(name)
        for case in cases:
            answers(rules, base, case["name"], case["action"], case["change"], case["expect"])
        holds(f"answers every golden case of {name} as written there, with the same reasons: {len(cases)}")
    matrix = rules.test("matrix.json")
    assert matrix.keys() == ACTIONS.keys(), f"the matrix is about {sorted(matrix)}"
    for action, grid in matrix.items():
        cells = [(role, state) for role in grid["roles"] for state in grid["states"]]
        expected = grid["expect"]
        written = {(role, state) for role in expected for state in expected[role]}
        assert written == set(cells), f"{action}: cells missing or of nobody: {written ^ set(cells)}"
        allowed = 0
        for role, state in cells:
            change = grid["change"] | grid["roles"][role] | grid["states"][state]
            answers(rules, base, f"{action} by {role}, {state}", action, change, expected[role][state])
            allowed += not expected[role][state]
        assert 0 < allowed < len(cells), f"{action}: {allowed} cells of {len(cells)} are allowed"
        holds(f"answers every role in every state of {action} as the matrix says: {len(cells)} cells, {allowed} allowed")


def answers(rules: "Rules", base: dict, name: str, action: str, change: dict, expect: list[str]) -> None:
    found = rules.decide(action, base[ACTIONS[action][0]] | change)
    wanted = ("deny" if expect else "allow", expect)
    assert found == wanted, f"{name}: {wanted} is written, Cedar decides {found}"


class Rules:
    """A policy bundle as it stands in a folder."""

    def __init__(self, folder: Path) -> None:
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        manifest = "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
        self.digest = hashlib.sha256(manifest.encode()).hexdigest()
        text = "\n".join(files[name].decode() for name in ("permits.cedar", "forbids.cedar"))
        parsed = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
        # Cedar numbers the policies of a text; people know them by their @id.
        self.forbids = {
            number: policy["annotations"]["id"] for number, policy in parsed.items() if policy["effect"] == "forbid"
        }
        self.policies = text
        self.schema = files["schema.cedarschema"].decode()
        self.files = files

    def test(self, name: str) -> dict | list:
        """A file of golden cases."""
        return json.loads(self.files[f"tests/{name}"])

    def decide(self, action: str, facts: dict) -> tuple[str, list[str]]:
        """The decision and the sorted ids of the forbids that determine it."""
        _, principal, resource_type, resource = ACTIONS[action]
        caller = {"type": "Caller", "id": facts[principal]}
        thing = {"type": resource_type, "id": facts[resource]}
        request = {
            "principal": caller,
            "action": {"type": "Action", "id": action},
            "resource": thing,
            "context": facts,
        }
        entities = [{"uid": uid, "attrs": {}, "parents": []} for uid in (caller, thing)]
        answer = cedarpy.is_authorized(request, self.policies, entities, schema=self.schema)
        assert not answer.diagnostics.errors, answer.diagnostics.errors
        reasons = sorted(self.forbids[number] for number in answer.diagnostics.reasons if number in self.forbids)
        return ("allow" if answer.allowed else "deny"), reasons


def holds(claim: str) -> None:
    print(f"ok: cedarpy: {claim}")


main()
