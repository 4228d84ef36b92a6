"""The checklist says on paper what the engine does: who, what, by when, and what follows silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from backout.checklist import render
from backout.checklist_triggers import per_10k
from backout.playbook import Playbook
from backout.yaml_text import load_playbook
from tests.unit.linted import LANGUAGE, SITE, TEXT, changed

PLAYBOOKS = sorted((Path(__file__).parents[2] / "playbooks").glob("*.yaml"))
COMPLETE = load_playbook(TEXT, file="complete.yaml")
LANGUAGE_PLAYBOOK = load_playbook(LANGUAGE, file="language.yaml")
MEMBERS = {role: tuple(SITE.people[key].name for key in SITE.members(role)) for role in COMPLETE.roles}


def lines(playbook: Playbook = COMPLETE) -> list[str]:
    return render(playbook, members=MEMBERS).splitlines()


def under(heading: str, playbook: Playbook = COMPLETE) -> list[str]:
    """Return the lines below a heading, up to the next one."""
    everything = lines(playbook)
    start = everything.index(heading) + 1
    ends = (number for number, line in enumerate(everything) if number >= start and line.startswith("#"))
    return [line for line in everything[start : next(ends, None)] if line]


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


def test_it_says_what_fires_and_with_whose_authority() -> None:
    assert under("## What fires")[1:] == [
        "1. **critical** reverts at once; nobody is asked.",
        "   It fires when `error-limit` is breached.",
        "2. **owned** reverts as soon as a person owns the incident (acknowledges).",
        "   It fires when `reported` is breached.",
        (
            "3. **bias** reverts once 2 different people (commander or product) approved the plan; "
            "one reject holds the incident."
        ),
        "   It fires when `gap-limit` is breached.",
        "A rule that fired may fire again after 1h, once it has been quiet for 10m.",
        "No data is not health: a signal without data neither fires nor clears anything.",
    ]


def test_it_says_what_each_criterion_means_with_its_numbers() -> None:
    assert under("## What the criteria mean") == [
        (
            "- `error-limit`: *errors* (operational) is more than 30 per 10000 (0.3 %), sustained 3m; at "
            "most one false alarm in 100d, one false suspicion in 7d; recovery needs 1000 judged. It breaks."
        ),
        (
            "- `gap-limit`: *gap* (fairness) is more than 500 per 10000 (5 %), sustained 10m; at most "
            "one false alarm in 100d, one false suspicion in 7d; recovery needs 200 judged."
        ),
        "- `reported`: the alert `Reported` is firing.",
    ]


SURE = "sustained 4m; at most one false alarm in 100d, one false suspicion in 7d"
RECOVERY = "recovery needs 200 judged."


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        (
            "against-baseline",
            (
                "*mine* (operational) is more than 1.5 times what the baseline shows at the same time, "
                f"{SURE}; {RECOVERY}"
            ),
        ),
        (
            "slow-limit",
            (
                "*slow* (experience), the share of `latency_seconds` above 2.5, is more than 500 per 10000 "
                f"(5 %), {SURE}; {RECOVERY}"
            ),
        ),
        (
            "usefulness",
            (
                "*useless* (quality), the share of `usefulness_score` at or below 0.4, is more than 1.4 "
                f"times its usual 600 per 10000 (6 %), {SURE}; {RECOVERY} Without data for 2m, the incident "
                "is held."
            ),
        ),
        (
            "engagement",
            (
                f"*asked* (experience) is less than 1000 per 10000 (10 %), {SURE}; {RECOVERY} "
                "Only observed: it never acts."
            ),
        ),
        (
            "unsafe-limit",
            (
                f"*unsafe* (safety) is more than 30 per 10000 (0.3 %), {SURE}; recovery needs 1000 judged. "
                "Without data, people are called."
            ),
        ),
        (
            "language-gap",
            (
                "*unsafe* (safety) is, for one `language`, more than 1.5 times what all the others show, "
                f"{SURE}; a cohort counts from 200 judged on."
            ),
        ),
        ("one-severe", "a single *severe* (safety) is enough; nothing else is weighed."),
        (
            "topic-drift",
            (
                "*topics* (quality) has a category whose share is 10 % of everything above its reference "
                f"(billing 60 %, contract 40 %), {SURE}; {RECOVERY}"
            ),
        ),
        ("reported", "the alert `Reported` is firing."),
    ],
)
def test_every_kind_of_test_is_said_in_words(criterion: str, said: str) -> None:
    assert f"- `{criterion}`: {said}" in under("## What the criteria mean", LANGUAGE_PLAYBOOK)


@pytest.mark.parametrize(
    ("rule", "does", "when"),
    [
        (
            "1. **freeze**",
            "holds the incident until a person decides.",
            "`unsafe-limit` or `error-limit` is suspect",
        ),
        (
            "2. **critical**",
            "reverts at once; nobody is asked.",
            "`unsafe-limit` or `against-baseline` is breached",
        ),
        (
            "3. **severe**",
            (
                "reverts once one person (safety) approved the plan; one reject holds the incident. "
                "They have 10m. Silence means: escalate."
            ),
            "`one-severe` is breached",
        ),
        (
            "4. **combined**",
            "reverts as soon as a person owns the incident (acknowledges).",
            (
                "at least 2, on as many signals, of `slow-limit`, `usefulness`, `error-limit` are suspect, "
                "now or in the last 15m"
            ),
        ),
        (
            "5. **nested**",
            (
                "reverts once one person (commander or safety or product) approved the plan; "
                "one reject holds the incident."
            ),
            (
                "`reported` is breached and (`error-limit` is breached or *safety-view* is answered "
                "with 'worried')"
            ),
        ),
        (
            "6. **bias**",
            "pauses for a targeted investigation; a revert needs the decision of safety and product.",
            "`language-gap` is breached",
        ),
        ("7. **drifting**", "calls people; the watch goes on.", "`topic-drift` is breached"),
    ],
)
def test_every_kind_of_rule_is_said_in_words(rule: str, does: str, when: str) -> None:
    told = under("## What fires", LANGUAGE_PLAYBOOK)
    assert told[told.index(f"{rule} {does}") + 1] == f"   It fires when {when}."


def test_it_says_what_holds_rules_back_and_what_people_are_asked() -> None:
    assert under("## What holds rules back", LANGUAGE_PLAYBOOK) == [
        (
            "- **provider**: while a marked event `provider_outage` (for 2h at most) goes on, it holds back "
            "combined, nested, for 20m at most; after that commander must approve. "
            "It ends when critical fires."
        )
    ]
    assert under("## What people are asked", LANGUAGE_PLAYBOOK) == [
        "- **safety-view**, for safety: Is it new? An answer lasts 30m.",
        "   - [ ] fine: the signals decide. By and at: ............",
        "   - [ ] worried: a tenth of the evidence suffices. By and at: ............",
        "   - [ ] stop: the release is taken back once the plan is approved. By and at: ............",
        "   - [ ] known: no rule reverts while it lasts. By and at: ............",
    ]
    fires = under("## What fires", LANGUAGE_PLAYBOOK)
    assert "A rule that fired may fire again after 30m, once it has been quiet for 5m." in fires


def test_what_a_playbook_does_not_have_takes_no_space() -> None:
    assert not {"## What holds rules back", "## What people are asked"} & set(lines())


@pytest.mark.parametrize(
    ("rate", "written"),
    [(0.003, "30 per 10000 (0.3 %)"), (0.00005, "0.5 per 10000 (0.005 %)"), (0.15, "1500 per 10000 (15 %)")],
)
def test_a_rate_is_written_as_people_count(rate: float, written: str) -> None:
    assert per_10k(rate) == written


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
        *(
            f"- [ ] Set exposure on `chat-exposure` to {stage} % and read it back: ............ %. "
            f"Soak for 2m (until {after} after the start)."
            for stage, after in ((50, "2m"), (10, "4m"), (0, "6m"))
        ),
        "- [ ] If users recovered before the last stage: hold, and ask whether to go on.",
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
            "- [ ] Draft templates/notices/status-resolved.md.j2 for customers.",
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
    notices = {"notices/status-resolved.md.j2": "# Over\nIt is over.\n", "notices/other.md.j2": "# Other\n"}
    told = render(COMPLETE, members=None, notices=notices)
    _, _, printed = told.partition("## Message templates\n\n")
    assert printed == "### templates/notices/status-resolved.md.j2\n\n```jinja\n# Over\nIt is over.\n```\n"
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
