"""Every timeout and retry policy of the workflows, in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from backout.checks import LONGEST_CHECK
from backout.serving import takes

_QUICK = timedelta(milliseconds=200)


@dataclass(frozen=True)
class Options:
    """How an activity is called."""

    retry_policy: RetryPolicy
    start_to_close: timedelta | None = None
    schedule_to_close: timedelta | None = None
    heartbeat: timedelta | None = None
    cancellation: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL


def _retried(attempts: int, longest_s: float = 5) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=_QUICK, maximum_interval=timedelta(seconds=longest_s), maximum_attempts=attempts
    )


HEARTBEAT = timedelta(seconds=2)
"""A watch whose worker died goes on elsewhere after this long."""
CHECK_HEARTBEAT = timedelta(seconds=10)
"""A check whose worker died is begun anew elsewhere after this long. A worker that is only busy must not be
taken for dead: its command would run twice at a time."""

SET_EXPOSURE = Options(
    start_to_close=timedelta(seconds=5),
    retry_policy=_retried(8),
    # A write may be under way when a person says stop: wait and see what became of it.
    cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
TAKE_LEASES = Options(start_to_close=timedelta(seconds=5), retry_policy=_retried(5))
TAKE_LEASES_AT_ONCE = Options(start_to_close=timedelta(seconds=2), retry_policy=_retried(1))
"""In an emergency nothing waits for the leases."""
QUARANTINE = Options(start_to_close=timedelta(seconds=10), retry_policy=_retried(10, 30))
"""It is beside the steps, and worth waiting for: two minutes of a store that does not answer."""
LEAVE_LEASES = Options(start_to_close=timedelta(seconds=5), retry_policy=_retried(3))
SET_IN_A_SET = replace(SET_EXPOSURE, retry_policy=_retried(3))
"""One target of several: the others wait, and it has its turn again."""
MOST_RACES = 3
"""So often an emergency tries again at once what somebody moved between its look and its change."""
PUT_BACK = replace(SET_EXPOSURE, retry_policy=_retried(0), schedule_to_close=timedelta(minutes=5))
READ_EXPOSURE = Options(start_to_close=timedelta(seconds=5), retry_policy=_retried(4))
LOOK_AFTER_A_STOP = timedelta(seconds=5)
"""So long a walk that was stopped looks where its targets stand: who stopped it may want to act."""
LOOK_AT_ONCE = timedelta(seconds=2)
"""So long an emergency looks where a target of a set stands before it takes it off."""
RUN_CHECK = Options(
    # Each check has a timeout of its own, and the step its window; this is the backstop.
    start_to_close=LONGEST_CHECK + timedelta(minutes=1),
    heartbeat=CHECK_HEARTBEAT,
    retry_policy=_retried(5),
    # A command or a purge may be under way when a person says stop: wait until it is ended.
    cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
PROVE_BASELINE = Options(start_to_close=timedelta(seconds=30), retry_policy=_retried(3))
SEE_TO_CONVERSATIONS = Options(start_to_close=timedelta(seconds=5), retry_policy=_retried(4))
OPEN_SESSIONS = Options(start_to_close=timedelta(seconds=3), retry_policy=_retried(1))
"""Once and quickly: the first change waits for it."""
COUNT_REQUESTS = Options(start_to_close=timedelta(seconds=5), retry_policy=_retried(2))
PAGE_PEOPLE = Options(
    start_to_close=timedelta(seconds=10), schedule_to_close=timedelta(minutes=5), retry_policy=_retried(6)
)
TELL_PAGED = Options(start_to_close=timedelta(seconds=10), retry_policy=_retried(10, 30))
PAGE_BY_ROTA = replace(PAGE_PEOPLE, start_to_close=timedelta(seconds=15))
"""Who is on call is asked first."""
SEND_NOTICE = Options(start_to_close=timedelta(seconds=10), retry_policy=_retried(10, 30))
DRAFT_NOTICE = Options(start_to_close=timedelta(seconds=10), retry_policy=_retried(3))
PUBLISH = Options(start_to_close=timedelta(seconds=5), retry_policy=_retried(3))
WRITE_POSTMORTEM = Options(start_to_close=timedelta(seconds=30), retry_policy=_retried(10))

WORKFLOW_TASK = timedelta(seconds=5)
"""A workflow task whose worker died is given to another after this long; a replay takes a second at most."""


def observe(lasting: timedelta, *, hands_over: bool = False) -> Options:
    """Return the options of an incident's watch that lasts at most this long.

    One that hands over is waited for when it is cancelled: it says how far it came.
    """
    cancellation = ActivityCancellationType.TRY_CANCEL
    return Options(
        # A watch ends by itself; these are the backstop for one that does not.
        schedule_to_close=lasting + WATCH_GRACE,
        heartbeat=HEARTBEAT,
        retry_policy=_retried(0, 1),
        cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED if hands_over else cancellation,
    )


def ask_served(lag: timedelta, pause: timedelta) -> Options:
    """Return the options of asking which release answers, until the client lag is over."""
    return observe(takes(lag, pause))


def observe_release(lasting: timedelta, tick: timedelta) -> Options:
    """Return the options of a release's watch; there may be a thousand of them on one worker."""
    slow = min(max(HEARTBEAT, HEARTBEAT_TICKS * tick), SLOWEST_HEARTBEAT)
    return replace(observe(lasting, hands_over=True), heartbeat=slow, retry_policy=_retried(MOST_ATTEMPTS, 1))


MOST_ATTEMPTS = 100
"""So often a release's watch is begun within one observation: enough for every worker that dies in a day, and
an error that no attempt survives is told to people within two minutes."""
HEARTBEAT_TICKS, SLOWEST_HEARTBEAT = 3, timedelta(minutes=1)
"""A release's watch whose worker died goes on elsewhere after so many ticks, and after a minute at most."""
WATCH_GRACE = timedelta(seconds=30)
"""What a watch may take beyond its own end, so that it can say with which numbers it ended."""
MOST_RETRIES = 3
"""So often a step with `retry` is run again before it holds."""
LONGEST_REMINDER = timedelta(days=1)
UNTOLD_PAUSE = timedelta(seconds=10)
"""After a channel or the store failed: the pause before the news is tried again; it doubles each time."""
LONGEST_UNTOLD_PAUSE = timedelta(minutes=10)
GATHER = timedelta(milliseconds=200)
"""News are gathered for this long, and what is not urgent begins after it: the first change comes first."""
MOST_NEWS = 100
"""Events that are kept and told in one go."""
LAST_WORD = timedelta(minutes=1)
"""At its end an incident waits this long for its last news to be kept and told."""
UNSENT_PAUSE = timedelta(minutes=5)
"""After a channel did not take a notice: the pause before it is tried again, as long as it is owed."""
BETWEEN_INCIDENTS = timedelta(seconds=1)
"""An incident that is ending takes no alert, and the next one cannot begin yet: look again after this."""
LONGEST_WITHOUT_SIGHT = timedelta(minutes=10)


def pause_without_sight(troubles: int) -> timedelta:
    """Return the pause before a watch that can observe nothing tries again: 5 s, doubling, to ten minutes."""
    return min(timedelta(seconds=5 * 2 ** min(troubles - 1, 16)), LONGEST_WITHOUT_SIGHT)


SAYS_WHAT_IS_MISSING = timedelta(seconds=1)
"""So long before its step's end a question ends that has more to say of its silence than that."""
LONGEST_BEFORE_ANOTHER_LOOK = timedelta(minutes=30)


def before_another_look(looks: int) -> timedelta:
    """Return the pause before a baseline is looked at again: 1 min, doubling, to half an hour."""
    return min(timedelta(minutes=2 ** min(looks - 1, 16)), LONGEST_BEFORE_ANOTHER_LOOK)


def pause_before_retry(attempt: int) -> timedelta:
    """Return the pause before the step is run again: 1 s, 2 s, 4 s."""
    return timedelta(seconds=2 ** (attempt - 1))


MOST_LOOKS = 100
"""So often at most a check that has not passed yet is looked at in one step: a history has an end."""
LAST_LOOK = timedelta(seconds=5)
"""So long before the end of the step's window a check is looked at for the last time."""


def between_looks(every: timedelta, within: timedelta) -> timedelta:
    """Return the pause before a check is looked at again in a step with this time window."""
    return max(every, within / MOST_LOOKS)


def last_look(within: timedelta) -> timedelta:
    """Return how long before the end of its window a step looks for the last time."""
    return min(LAST_LOOK, within / 10)


def reminder(first: timedelta, reminders: int) -> timedelta:
    """Return the pause before a held incident calls people again: twice the last one, a day at most."""
    # The exponent has its own bound: the product is capped only after it was made.
    doubled: timedelta = first * 2 ** min(reminders, 16)
    return min(doubled, LONGEST_REMINDER)


PUSH_ON = 2 / 3
"""So much of the time for which a set may be mixed goes into reaching a stage, the rest into the way back."""
LEAST_IN_A_SET = timedelta(seconds=5)
"""So long one target of a set is tried at least, however late it is."""
CHECK_AGAIN = timedelta(seconds=5)
"""Between two looks whether the baseline is ready."""


def shared(options: Options, left: timedelta, *, among: int) -> Options:
    """Return the options of one of several targets that share the time that is left."""
    return replace(options, schedule_to_close=max(left / among, LEAST_IN_A_SET))


def pause_in_a_stage(rounds: int) -> timedelta:
    """Return the pause before what failed in a stage is tried again: 1 s, doubling, to 30 s."""
    return min(timedelta(seconds=2 ** min(rounds, 16)), timedelta(seconds=30))
