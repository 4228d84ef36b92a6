"""The checklist says in words what fires, what holds it back and what people are asked."""

from __future__ import annotations

import pytest

from backout.checklist_triggers import per_10k
from tests.unit.papers import LANGUAGE_PLAYBOOK, lines, under


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
