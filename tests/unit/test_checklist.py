"""The checklist says on paper what the engine does: who, what, by when, and what follows silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from backout.checklist import render
from backout.yaml_text import load_playbook
from tests.unit.linted import changed
from tests.unit.papers import COMPLETE, lines, under

PLAYBOOKS = sorted((Path(__file__).parents[2] / "playbooks").glob("*.yaml"))


def test_it_begins_with_the_scenario_and_what_is_at_risk() -> None:
    assert lines()[:14] == [
        "# complete, version 3",
        "",
        "**Major.** A release goes bad.",
        "",
        "| At risk |  |",
        "| --- | --- |",
        "| Users | wrong answers |",
        "| Safety | unsafe answers |",
        "| Business | refunds |",
        "",
        "- A release of `chat` is its model, prompt, taken back together.",
        '- Blast radius: `requests_total{release="$release"}` of `chat-metrics`.',
        "- Responders work in the channel `incidents`.",
        "- Incident: ............  Release: ............  Opened at: ............",
    ]


def test_it_has_a_table_of_the_people_and_one_of_their_rights() -> None:
    told = under("## Who may do what")
    assert "| on_call | Ann, Ben | Answers the page. |" in told
    assert "| Right | on_call | commander | product |" in told
    assert "| acknowledge | yes | yes |  |" in told
    assert "| reject (with a reason) |  | yes | yes |" in told


def test_it_has_the_escalation_ladder_with_its_times() -> None:
    told = under("## Escalation policy ladder")
    assert "| 1 | at once | on_call (Ann, Ben) | 5m | ............ |" in told
    assert "| 2 | 5m | on_call (Ann, Ben), commander (Ben) | 10m | ............ |" in told
    assert told[-1] == "A held incident pages again after 15m, then after twice as long, up to once a day."


def test_a_revert_is_written_stage_by_stage_with_the_time_that_it_takes() -> None:
    assert under("### 3. revert: commander, within 30m") == [
        "- Owner: commander (Ben). Began at: ............  Done at: ............",
        "- [ ] Have the authority that the fired rule asks for; where none fired, 2 approvals.",
        "- [ ] In an emergency, called by commander: set `chat-exposure` to 0 % at once, and ask nobody.",
        *(
            f"- [ ] Set exposure on `chat-exposure` to {stage} % and read it back: ............ %. "
            f"Soak for 2m (until {after} after the start)."
            for stage, after in ((50, "2m"), (10, "4m"), (0, "6m"))
        ),
        "- [ ] If users recovered before the last stage: hold, and ask whether to go on, stay, or come back.",
        "- Not done within 30m: **hold**: page commander, and stop here until a person decides.",
        "- Failed: **hold**: page commander, and stop here until a person decides.",
    ]


@pytest.mark.parametrize(
    ("heading", "line"),
    [
        (
            "### 1. detect: on_call, within 20m",
            "- [ ] Watch the signals. A rule fires: go on. All shown healthy: stand down, postmortem only.",
        ),
        (
            "### 2. escalate: on_call, within 20m",
            (
                "- [ ] Page by the policy ladder until somebody acknowledges. "
                "The revert does not wait for this after critical."
            ),
        ),
        ("### 4. check: on_call, within 10m", "- [ ] Check `served-version`: does it pass? What was found?"),
        (
            "### 5. verify: on_call, within 1h",
            (
                "- [ ] Hold every limit against a whole window of 10m: each rate is shown to be below its "
                "limit, with enough judged."
            ),
        ),
        (
            "### 6. notify: product, within 30m",
            "- [ ] Draft templates/notices/customers.md.j2 for customers.",
        ),
        (
            "### 6. notify: product, within 30m",
            "- [ ] Have it approved by one of commander, product: ............",
        ),
        (
            "### 6. notify: product, within 30m",
            "- [ ] Send it to customers through the channel `status-page`.",
        ),
        ("### 7. clean-up (manual): on_call, within 2h", "- [ ] Empty the cache."),
        ("### 7. clean-up (manual): on_call, within 2h", "- [ ] Tell the shift."),
        (
            "### 8. postmortem: commander, within 15m",
            (
                "- [ ] Write the postmortem from the record (templates/postmortem/standard.md.j2); "
                "people complete and review it within 5d."
            ),
        ),
    ],
)
def test_each_kind_of_step_says_what_is_to_be_done(heading: str, line: str) -> None:
    assert line in under(heading)


@pytest.mark.parametrize(
    ("move", "said"),
    [
        ("escalate", "**escalate**: page on_call and every policy's roles; hold until a person decides."),
        ("hold", "**hold**: page on_call, and stop here until a person decides."),
        ("proceed", "**proceed**: go on with verify; the timeline says that check is not done."),
        ("retry", "**retry**: run the step again, three times at most; after that, hold."),
        ("abort", "**abort**: stop the playbook where the world stands, and write the postmortem."),
    ],
)
def test_each_step_says_what_follows_silence_and_failure(move: str, said: str) -> None:
    told = under(
        "### 4. check: on_call, within 10m", changed({"steps.3.on_timeout": move, "steps.3.on_failure": move})
    )
    assert told[-2:] == [f"- Not done within 10m: {said}", f"- Failed: {said}"]


def test_the_step_before_the_last_proceeds_to_the_last() -> None:
    told = under("### 7. clean-up (manual): on_call, within 2h", changed({"steps.6.on_timeout": "proceed"}))
    assert "**proceed**: go on with postmortem;" in told[-1]


def test_one_approval_is_one_person() -> None:
    playbook = changed({"rules.2.quorum": 1})
    assert any("reverts once one person (commander or product) approved" in line for line in lines(playbook))
    assert "where none fired, 1 approval." in under("### 3. revert: commander, within 30m", playbook)[1]


def test_a_revert_that_goes_on_after_recovery_says_so() -> None:
    told = under("### 3. revert: commander, within 30m", changed({"steps.2.on_recovery": "proceed"}))
    assert "- [ ] If users recovered before the last stage: go on down all the same." in told


def test_without_a_site_there_are_blanks_for_the_people() -> None:
    text = render(COMPLETE, members=None)
    assert "| product | ............ | - |" in text
    assert "- Owner: commander (............)." in text


def test_a_role_that_nobody_fills_is_shown_as_such() -> None:
    assert "| product | nobody | - |" in render(COMPLETE, members={"on_call": ("Ann",)})


def test_text_that_markdown_would_read_stays_text() -> None:
    told = render(changed({"at_risk.users": "a | b\n<script>"}), members=None)
    assert "| Users | a \\| b &lt;script> |" in told


def test_the_templates_of_its_notices_are_printed_and_no_others() -> None:
    notices = {"notices/customers.md.j2": "# Over\nIt is over.\n", "notices/other.md.j2": "# Other\n"}
    told = render(COMPLETE, members=None, notices=notices)
    _, _, printed = told.partition("## Message templates\n\n")
    assert printed == "### templates/notices/customers.md.j2\n\n```jinja\n# Over\nIt is over.\n```\n"
    assert "# Other" not in told


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_whatever_a_shipped_playbook_names_is_on_its_paper(path: Path) -> None:
    playbook = load_playbook(path.read_text(encoding="utf-8"), file=str(path))
    paper = render(playbook, members=None)
    named = [
        *playbook.roles,
        *playbook.signals,
        *playbook.escalation,
        *(criterion.id for criterion in playbook.criteria),
        *(rule.id for rule in playbook.rules),
        *(veto.id for veto in playbook.vetoes),
        *(judgment.id for judgment in playbook.judgments),
        *(answer for judgment in playbook.judgments for answer in judgment.answers),
        *(occasion.kind for occasion in playbook.occasions.values()),
        *(step.name for step in playbook.steps),
        *(item for step in playbook.steps for item in getattr(step, "items", ())),
        *(
            getattr(step, field)
            for step in playbook.steps
            for field in ("target", "audience", "channel")
            if hasattr(step, field)
        ),
    ]
    assert [name for name in named if name not in paper] == []


def test_what_may_be_done_instead_of_the_revert_is_on_paper() -> None:
    strict = {"name": "strict", "about": "the strict guardrail", "targets": [{"target": "chat-exposure"}]}
    book = changed({"steps.2.alternatives": [strict], "roles.commander.may": ["approve", "emergency"]})
    told = under("### 3. revert: commander, within 30m", book)
    assert told[2:4] == [
        (
            "- [ ] Whoever approves may choose strict instead (the strict guardrail): set `chat-exposure` to "
            "0 %, and leave out the stages below. Chosen: ............"
        ),
        "- [ ] In an emergency, called by commander: set `chat-exposure` to 0 % at once, and ask nobody.",
    ]
