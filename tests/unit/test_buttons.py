"""Buttons and forms come back from Slack as they were, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout.buttons import FORM, Form, action_id_of, button_of, form_of, metadata_of, value_of
from backout.errors import BackoutError
from backout.messages import Button
from backout.people import Action
from tests.invariants.properties import widely

LONGEST_ACTION_ID, LONGEST_VALUE, LONGEST_METADATA = 255, 2000, 3000
"""Characters that Slack takes."""
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}", fullmatch=True)
buttons = st.builds(
    Button,
    action=st.sampled_from(Action),
    incident=st.builds("incident/{}/{}".format, names, names),
    code=st.from_regex(r"([0-9a-f]{8})?", fullmatch=True),
    seen=st.integers(0, 10**9),
    run=st.uuids().map(str),
    label=st.text(max_size=75),
    confirm=st.text(max_size=300),
)


@widely
@given(buttons)
def test_a_button_comes_back_without_what_is_only_shown(button: Button) -> None:
    action_id, value = action_id_of(button), value_of(button)
    assert button_of(action_id, value) == button.model_copy(update={"label": "", "confirm": ""})
    assert len(action_id) <= LONGEST_ACTION_ID
    assert len(value) <= LONGEST_VALUE


@widely
@given(buttons)
def test_a_form_comes_back_with_its_button_and_where_to_answer(button: Button) -> None:
    form = Form(button=button, respond_to="https://hooks.slack.com/actions/T01/123/abc")
    metadata = metadata_of(form)
    again = form_of(FORM, metadata)
    assert again.respond_to == form.respond_to
    assert again.button == button.model_copy(update={"label": "", "confirm": ""})
    assert len(metadata) <= LONGEST_METADATA


@widely
@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_else_comes_is_refused_in_words(name: str, text: str) -> None:
    for read in (button_of, form_of):
        with pytest.raises(BackoutError):
            read(name, text)
    for read, known in ((button_of, "backout:hold"), (form_of, FORM)):
        with pytest.raises(BackoutError, match="cannot be read, so nothing was done"):
            read(known, text)
