"""What is due next is shown wherever people look; paper has blanks for it, the postmortem the account."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner

from backout.checklist import render as on_paper
from backout.commands import status_text
from backout.communications import Owed
from backout.details import page
from backout.people import Action
from backout.postmortem import facts
from backout.rendering import render
from backout.timeline import MessageSent
from backout.view import Ask, Briefing, IncidentView
from cli.main import app
from tests.unit.linted import changed
from tests.unit.shipped import FILES, PLAYBOOKS
from tests.unit.test_communications import communication
from tests.unit.views import OPENING, TEMPLATES, approval, at, case_of, full_view, view_of

LINE = "customers: next notice due 21:30 UTC, draft aaaaaaaa waits for approval by commander or product"
OPENED = OPENING.model_copy(
    update={"playbook": OPENING.playbook.model_copy(update={"communications": (communication(),)})}
)


def shown(**changes: object) -> Briefing:
    """Return what an incident shows in which a draft waits."""
    owed = {"updates": Owed(due=at(30)).model_copy(update=changes)}
    ask = approval(what="Send to customers: We went back\nSorry.", quorum=1)
    return case_of(owed=owed, asks={"notice/updates": ask}).brief(OPENED)


def test_what_is_due_and_what_it_waits_for_is_in_the_status_the_top_message_and_the_engine_s_page() -> None:
    brief = shown()
    top = render("slack/incident.md.j2", templates=TEMPLATES, brief=brief, asks=[], link="")
    assert f"Due: {LINE}." in status_text(brief).splitlines()
    assert f"*Due:* {LINE}" in top.splitlines()
    assert f"- {LINE}" in page(brief).splitlines()


def test_what_is_overdue_is_shown_as_such() -> None:
    (notice,) = shown(overdue=True).notices
    assert notice.line.startswith("customers: next notice was due 21:30 UTC and is OVERDUE, draft ")


def test_what_waits_for_nobody_and_what_is_done_is_shown_as_that() -> None:
    assert shown(done=True).notices == ()
    brief = case_of(owed={"updates": Owed(due=at(30))}).brief(OPENED)
    assert [one.line for one in brief.notices] == ["customers: next notice due 21:30 UTC"]


def test_the_most_urgent_notice_stands_first() -> None:
    two = (communication(), communication(id="zfacts", audience="legal"))
    opening = OPENED.model_copy(
        update={"playbook": OPENED.playbook.model_copy(update={"communications": two})}
    )
    owed = {"updates": Owed(due=at(40)), "zfacts": Owed(due=at(20))}
    assert [one.audience for one in case_of(owed=owed).brief(opening).notices] == ["legal", "customers"]


def test_a_draft_that_waits_is_voted_on_by_its_code() -> None:
    ask: Ask = shown().asks[0]
    assert Action.APPROVE in ask.actions
    assert f"approve chat/r2 {ask.code}" in status_text(shown())


def test_the_paper_says_who_is_told_when_and_has_a_blank_for_it() -> None:
    told = communication(needs_approval=True, approve_by=["product"], required=["commander"], quorum=2)
    book = changed({}).model_copy(update={"communications": (told, communication(id="o", every=None))})
    lines = on_paper(book, members=None, notices={"notices/customers.md.j2": "# T\nx"}).splitlines()
    assert (
        "| customers (updates) | `status-page` | 30m after the first exposure is set, then every 1h | "
        "the incident is over, with a last word | 2 of product or commander, commander among them | "
        "product (............) | ............ |"
    ) in lines
    once = next(line for line in lines if line.startswith("| customers (o) |"))
    assert "30m after the first exposure is set, once | the incident is over | nobody |" in once
    assert "### templates/notices/customers.md.j2" in lines


def test_a_playbook_without_communications_has_no_such_table_on_paper() -> None:
    assert "## Communications" not in on_paper(changed({}), members=None)


def written(view: IncidentView) -> list[str]:
    """Return the lines of an incident's postmortem."""
    text = render(
        "postmortem/standard.md.j2",
        templates=TEMPLATES,
        facts=facts(view),
        view=view,
        incident=view.summary,
        outcome="recovered",
        written_at=at(50),
        due=at(7200),
    )
    return text.splitlines()


def test_the_postmortem_says_what_was_sent_when_it_was_due_and_how_late_it_was() -> None:
    late = MessageSent(
        at=at(41),
        audience="customers",
        channel="status-page",
        text="We went back.",
        communication="updates",
        due=at(30),
    )
    in_time = late.model_copy(update={"at": at(29)})
    assert late.late == timedelta(minutes=11)
    lines = written(view_of(late, in_time))
    assert (
        "- 2026-11-20 21:41:00 UTC: to customers through status-page, due 2026-11-20 21:30:00 UTC, "
        "**11m late**: We went back."
    ) in lines
    assert (
        "- 2026-11-20 21:29:00 UTC: to customers through status-page, due 2026-11-20 21:30:00 UTC: "
        "We went back."
    ) in lines


def test_the_postmortem_says_what_was_overdue_and_what_was_never_sent() -> None:
    lines = written(full_view())
    assert (
        "- 2026-11-20 21:41:00 UTC: **overdue**: updates to customers, due 2026-11-20 21:40:30 UTC "
        "(its draft is not approved)"
    ) in lines
    assert (
        "- 2026-11-20 21:41:30 UTC: **not sent**: updates to customers, due 2026-11-20 21:40:30 UTC "
        "(the incident is over)"
    ) in lines


def test_a_notice_can_be_read_before_there_is_an_incident() -> None:
    told = CliRunner().invoke(
        app,
        [
            "notices",
            "preview",
            str(FILES["conversational-agent"]),
            "customer-updates",
            "--stage",
            "reverting",
        ],
    )
    assert told.exit_code == 0
    assert "chat: we are going back to the previous version" in told.stdout
    assert "resolved" not in told.stdout
    every = CliRunner().invoke(
        app, ["notices", "preview", str(FILES["conversational-agent"]), "customer-updates"]
    )
    assert every.stdout.count("--- ") == 7


def test_an_unknown_communication_is_an_error_with_the_known_ones() -> None:
    told = CliRunner().invoke(app, ["notices", "preview", str(FILES["conversational-agent"]), "updates"])
    assert told.exception is not None
    assert "Unknown communication 'updates'" in str(told.exception)
    for one in PLAYBOOKS["conversational-agent"].communications:
        assert one.id in str(told.exception)


def test_a_file_that_is_no_playbook_previews_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("a: b")
    told = CliRunner().invoke(app, ["notices", "preview", str(file), "updates"])
    assert told.exit_code == 1
    assert told.stdout == ""
