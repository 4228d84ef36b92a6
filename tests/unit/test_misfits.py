"""A field that does not fit is told with its place, with what is wrong and with what would be right."""

from __future__ import annotations

import pytest

from backout.errors import InvalidDocument
from backout.yaml_text import load_playbook, load_site
from tests.unit.marked import A_NAME, PLAYBOOK, SITE, changed

STEPS = "detect, escalate, revert, rollout, served, check, verify, notify, manual, postmortem"
FIELDS = (
    "playbook, version, scenario, at_risk, severity, release, channel, tick, signals, criteria, rules, "
    "vetoes, judgments, occasions, rearm, roles, approvals, break_glass, consents, escalation, "
    "communications, remind, steps, rollout"
)
PAGE = '{kind: exposition, url: "http://127.0.0.1:9102/metrics", timeout: 2s}'
PUSHED = "{kind: push, path: p.db, token: {env: A}}"
PROMETHEUS = "{kind: prometheus, url: https://127.0.0.1:9090, timeout: 2s"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "severity:",
            "»sevrity:",
            f"sevrity: unknown field 'sevrity'; did you mean 'severity'? Known: {FIELDS}",
        ),
        (
            "severity: major",
            "severity: »{}",
            "severity: expected one of critical, major, minor; found a mapping",
        ),
        (
            "[model, prompt]",
            "[model, »promt]",
            (
                "release.artifacts[1]: unknown value 'promt'; did you mean 'prompt'? "
                "Known: model, prompt, config, index, guardrail, dataset"
            ),
        ),
        (
            "step: revert",
            "step: »revrt",
            f"steps[2].step: unknown step 'revrt'; did you mean 'revert'? Known: {STEPS}",
        ),
        (
            "{step: check, ",
            "»{",
            f"steps[3]: the field 'step' is missing; it says what this is. Known: {STEPS}",
        ),
        (
            "kind: ratio",
            "kind: »rate",
            (
                "signals.errors.kind: unknown kind 'rate'; did you mean 'ratio'? "
                "Known: ratio, above, below, event, distribution"
            ),
        ),
        (
            "{step: revert, owner: commander",
            "»{step: revert",
            "steps[2].owner: missing. The role that is responsible for the step.",
        ),
        (
            "on_timeout: retry",
            "on_timeout: »wait",
            (
                "steps[3].on_timeout: unknown value 'wait'. "
                "Known: escalate, hold, proceed, retry, abort, go_further"
            ),
        ),
        (
            "tick: 15s",
            "tick: »15",
            "tick: '15' is not a duration. Write a number with its unit, such as 15s, 5m, 1h30m or 5d",
        ),
        ("tick: 15s", "»tick:", "tick: expected a value, found nothing"),
        (
            "30 per 10000",
            "»3 of 10000",
            "criteria[0].test.max: '3 of 10000' is not a rate. Write it as '30 per 10000', '1.5%' or 0.003",
        ),
        ("version: 3", "version: »0", "version: expected 1 or more, found the number 0"),
        ("version: 3", "version: »3.5", "version: expected a whole number, found the number 3.5"),
        ("[50, 10, 0]", "[»150, 10, 0]", "steps[2].stages[0]: expected 100 or less, found the number 150"),
        ("[50, 10, 0]", "»[]", "steps[2].stages: needs at least 1 of its items, found none"),
        ("[50, 10, 0]", "»50", "steps[2].stages: expected a list, found the number 50"),
        (
            "needs_approval: true",
            "needs_approval: »7",
            "steps[5].needs_approval: expected true or false, found the number 7",
        ),
        ("playbook: complete", "playbook: »2 bad", f"playbook: '2 bad' is not a name: {A_NAME}"),
        ("  ladder:", "  »our ladder:", f"escalation['our ladder']: 'our ladder' is not a name: {A_NAME}"),
        (
            "{id: error-limit, signal: errors, ",
            "»{id: error-limit, ",
            "criteria[0]: criterion 'error-limit' compares with a limit, so it needs a signal",
        ),
        (
            "scenario: A release goes bad.",
            "scenario: »7",
            "scenario: expected text, found the number 7; put it in quotes",
        ),
        (
            "window: 10m",
            "window: 10m, »verify: 1",
            (
                "steps[4].verify: unknown field 'verify'. "
                "Known: name, owner, within, on_timeout, on_failure, step, window"
            ),
        ),
    ],
)
def test_a_wrong_field_of_a_playbook_is_the_only_thing_told(old: str, new: str, problem: str) -> None:
    text, place = changed(PLAYBOOK, old, new)
    with pytest.raises(InvalidDocument) as caught:
        load_playbook(text, file="p.yaml")
    told = caught.value.problems
    assert f"p.yaml:{place}: {problem}" in told
    # A renamed field is missing under its right name too.
    assert len(told) == 1 or "missing" in "".join(told)


def test_a_problem_in_a_list_hides_no_other_one_and_adds_none_about_the_list() -> None:
    text = PLAYBOOK.replace("authority: auto", "authority: robot").replace(
        "authority: ack", "authority: nobody"
    )
    with pytest.raises(InvalidDocument) as caught:
        load_playbook(text, file="p.yaml")
    assert [problem.split(": ", 2)[1] for problem in caught.value.problems] == [
        "rules[0].authority",
        "rules[1].authority",
    ]


def test_a_site_is_read_into_its_model() -> None:
    site = load_site(SITE, file="site.yaml")
    assert site.members("on_call") == ("ann", "ben")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "slack: U01BEN",
            "slack: »U01ANN",
            "people.ben.slack: 'U01ANN' belongs to 'ann' already; one identity is one person",
        ),
        (
            "slack: U01DAN",
            "login: »ann",
            "people.dan.login: 'ann' belongs to 'ann' already; one identity is one person",
        ),
        (
            "kind: terminal",
            "kind: »fax",
            (
                "channels.status-page.kind: unknown kind 'fax'. "
                "Known: slack, terminal, slack-direct, pagerduty, mail, webhook"
            ),
        ),
        (
            "{env: SLACK_TOKEN}",
            "»{}",
            "channels.incidents.token: a secret is named by exactly one of 'env' and 'file'",
        ),
        (
            "{env: SLACK_TOKEN}",
            "{env: SLACK_TOKEN}, api: »ftp://slack",
            "channels.incidents.api: 'ftp://slack' is not an address; write http://host:port/path",
        ),
        (
            '"http://127.0.0.1:9102/metrics"',
            "»localhost:9102",
            "sources.images-metrics.url: 'localhost:9102' is not an address; write http://host:port/path",
        ),
        (
            '"http://127.0.0.1:9102/metrics"',
            "»http://ann:s3cret@127.0.0.1:9102/metrics",
            "sources.images-metrics.url: a secret is named, never written into an address",
        ),
        (
            PAGE,
            f"»{PROMETHEUS}, token: {{env: A}}, basic: {{user: b, password: {{env: B}}}}}}",
            "sources.images-metrics: a server is given either 'token' or 'basic', not both",
        ),
        (
            PAGE,
            f"{PUSHED}\n  others: {PUSHED.replace('p.db', '»./p.db')}",
            "sources.others.path: './p.db' is the file of 'images-metrics' already; each source has its own",
        ),
        (
            PAGE,
            f"»{PROMETHEUS}, client_key: k.pem}}",
            "sources.images-metrics: 'client_cert' and 'client_key' go together; name both or neither",
        ),
        (
            PAGE,
            f"»{PROMETHEUS.replace('https', 'http')}, ca: ca.pem}}",
            "sources.images-metrics: 'ca' and 'client_cert' are for an address that begins with https://",
        ),
        (
            '"http://127.0.0.1:9101/served?release=$release"',
            '»"http://127.0.0.1:9101/served?release=$relase"',
            (
                "checks.served-version.url: unknown placeholder 'relase'; did you mean 'release'? "
                "Known: service, release, baseline"
            ),
        ),
    ],
)
def test_a_site_that_cannot_be_right_is_refused(old: str, new: str, problem: str) -> None:
    text, place = changed(SITE, old, new)
    with pytest.raises(InvalidDocument) as caught:
        load_site(text, file="site.yaml")
    assert caught.value.problems == (f"site.yaml:{place}: {problem}",)
