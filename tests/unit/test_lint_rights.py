"""Static lint of decision rights: whatever the flow asks of people, somebody may do, and enough of them."""

from __future__ import annotations

import pytest

from tests.unit.linted import SITE, Changes, errors, found

RIGHTS = ["acknowledge", "approve", "reject", "hold", "resume", "retry", "skip", "abort", "note", "close"]
ROLES = ("on_call", "commander", "product")


@pytest.mark.parametrize(
    ("right", "why"),
    [
        ("acknowledge", "nobody could own an incident and stop the paging"),
        ("approve", "a revert that no rule has fired for could never be authorised"),
        ("reject", "nobody could refuse a plan"),
        ("hold", "nobody could stop the automation"),
        ("resume", "a held incident could never be released"),
        ("retry", "a failed step could never be run again"),
        ("skip", "a step that cannot work would block the playbook for ever"),
        ("abort", "nobody could stop the playbook where the world stands"),
        ("close", "a held incident could never be closed"),
    ],
)
def test_a_right_that_every_incident_needs_is_held_by_somebody(right: str, why: str) -> None:
    changes: Changes = {f"roles.{role}.may": [one for one in RIGHTS if one != right] for role in ROLES}
    message = f"no role may {right}: {why}; give '{right}' to one of on_call, commander, product"
    assert ("roles", message) in errors(changes)


@pytest.mark.parametrize(
    ("right", "why"),
    [
        ("emergency", "nobody could take all exposure off at once"),
        ("come_back", "where users recover at a stage nobody could bring exposure back up"),
        ("lift", "what a revert quarantines nobody could release again"),
    ],
)
def test_a_right_that_a_revert_offers_and_nobody_holds_is_warned_of(right: str, why: str) -> None:
    offered = {"emergency", "come_back", "lift"} - {right}
    message = f"no role may {right}: {why}; give '{right}' to one of on_call, commander, product"
    assert ("warning", "roles", message) in found({"roles.commander.may": [*RIGHTS, *sorted(offered)]})
    assert ("warning", "roles", message) not in found({})


def test_nobody_needs_to_come_back_from_stages_that_are_none() -> None:
    changes: Changes = {"roles.commander.may": RIGHTS, "steps.2.stages": [0]}
    warned = [message.split(":")[0] for severity, path, message in found(changes) if path == "roles"]
    assert warned == ["no role may emergency", "no role may lift"]


@pytest.mark.parametrize(
    ("right", "path", "why"),
    [
        ("acknowledge", "rules[1].authority", "this rule waits for a person to own the incident"),
        ("approve", "rules[2].authority", "this rule waits for an approval"),
        ("approve", "steps[5].needs_approval", "this notice waits for an approval"),
        ("tick", "steps[6].items", "nobody could tick this checklist"),
    ],
)
def test_a_right_that_a_part_of_the_flow_waits_for_is_held_by_somebody(
    right: str, path: str, why: str
) -> None:
    changes: Changes = {f"roles.{role}.may": [one for one in RIGHTS if one != right] for role in ROLES}
    message = f"no role may {right}: {why}; give '{right}' to one of on_call, commander, product"
    assert (path, message) in errors(changes)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"roles.product.may": ["hold"]},
            "rules[2].approve_by[1]",
            "role 'product' may not approve; add the right under roles.product.may, or name another role",
        ),
        (
            {"rules.2.authority": "ack"},
            "rules[2].approve_by",
            "authority 'ack' asks for no approval; write 'authority: approve' or leave this out",
        ),
        (
            {"rules.1.quorum": 2},
            "rules[1].quorum",
            "authority 'ack' asks for no approval; write 'authority: approve' or leave this out",
        ),
        (
            {"rules.2.quorum": 3},
            "rules[2].quorum",
            (
                "a quorum of 3 needs as many distinct people, but 2 can approve (ben, cleo); "
                "lower it, or give commander or product to more people"
            ),
        ),
        (
            {"escalation.ladder": [{"page": ["product"], "wait": "5m"}]},
            "escalation.ladder",
            "nobody whom 'ladder' pages may acknowledge, so none could answer; page another role",
        ),
        (
            {"roles.auditor": {"may": ["note"]}},
            "roles.auditor",
            "nobody fills the role 'auditor'; give it to a person of the site file, or delete it",
        ),
    ],
)
def test_rights_that_cannot_work_are_refused(changes: Changes, path: str, message: str) -> None:
    assert (path, message) in errors(changes)


def test_a_person_in_two_roles_counts_once_for_a_quorum() -> None:
    people = {**SITE.people, "cleo": SITE.people["cleo"].model_copy(update={"roles": ()})}
    people["ben"] = people["ben"].model_copy(update={"roles": ("on_call", "commander", "product")})
    site = SITE.model_copy(update={"people": people})
    assert [path for _, path, _ in found({}, site=site)] == ["rules[2].quorum"]
