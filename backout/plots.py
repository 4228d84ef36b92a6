"""Plots: the traces of a backtest as shapes of an SVG, in the units of its view box. Pure geometry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import log10, sqrt

from backout.backtest import Backtest
from backout.criteria import EventTest
from backout.model import Frozen
from backout.traces import CriterionTrace, Point, Trace, Traces

WIDTH, LEFT, RIGHT = 1040, 70, 90
RATE_HEIGHT, EVIDENCE_HEIGHT = 150, 120
LEAST_EVIDENCE = 0.1
"""Evidence is drawn from here on: below 1 there is none."""
_MOST_OVER_NEED = 1e4
_MOST_OVER_MEAN = 4
"""A tick of a few outputs may be wild; rates above so many times the highest mean are cut off."""
_BESIDE, _ABOVE, _BELOW = 4, 1, 7
"""From a line to the foot of its text, which stands right of the plot; two that are close keep apart."""
_LABEL_ROOM = 16
"""Marks that are closer than this share their number's place: only the first is written."""
_STEPS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 4320, 10080, 43200, 129600)
)
_MOST_TIMES = 9


class Label(Frozen):
    """A text at a place on an axis."""

    at: float
    text: str


class Reference(Frozen):
    """A level that values are held against."""

    at: float
    text_at: float
    text: str
    css: str


class Shade(Frozen):
    """A time span that is marked."""

    x: float
    width: float
    css: str
    title: str


class Mark(Frozen):
    """A decision."""

    x: float
    number: str
    """Empty where the place is taken."""
    css: str
    title: str


class Plot(Frozen):
    """One set of axes."""

    height: int
    title: str
    bands: tuple[str, ...]
    """Between the lowest and the highest value: paths."""
    lines: tuple[str, ...]
    limits: tuple[str, ...] = ()
    """The limit, where it moves: paths."""
    references: tuple[Reference, ...] = ()
    labels: tuple[Label, ...]


class Panel(Frozen):
    """What was seen of one criterion."""

    criterion: str
    about: str
    rate: Plot
    evidence: Plot | None
    """None for events: one is enough."""
    blind: tuple[Shade, ...]


class Frame:
    """The time axis that all panels share."""

    def __init__(self, traces: Traces) -> None:
        """Fit the axis to the traces."""
        self._traces = traces
        self._last = max(traces.ticks, 2)

    def x(self, tick: float) -> float:
        """Return the place of a tick."""
        inside = min(max(tick, 1.0), float(self._last))
        return round(LEFT + (inside - 1) / (self._last - 1) * (WIDTH - LEFT - RIGHT), 1)

    def span(self, first: float, last: float, css: str, title: str) -> Shade:
        """Return the shade from one tick to another; it can always be seen."""
        start, end = self.x(first), self.x(last)
        return Shade(x=start, width=max(round(end - start, 1), 1.0), css=css, title=title)

    def times(self) -> Iterator[Label]:
        """Yield the labels of the time axis."""
        start, end = self._traces.at(1), self._traces.at(self._last)
        if start is None or end is None:
            return
        step = next((step for step in _STEPS if (end - start) / step <= _MOST_TIMES), _STEPS[-1])
        midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight - ((midnight - start) // step) * step
        while at <= end:
            is_new_day = at.hour == at.minute == 0
            text = f"{at:%d %b}" if is_new_day else f"{at:%H:%M}"
            yield Label(at=self.x(self._traces.tick_at(at)), text=text)
            at += step


def panels(traces: Traces, frame: Frame) -> tuple[Panel, ...]:
    """Return a panel for each criterion that counts."""
    return tuple(_panel(name, trace, frame) for name, trace in traces.of.items())


def shades(result: Backtest, traces: Traces, frame: Frame) -> tuple[Shade, ...]:
    """Return the bad periods."""
    return tuple(
        frame.span(
            traces.tick_at(one.period.start),
            traces.tick_at(one.period.end),
            "bad",
            f"bad from {moment(one.period.start)} to {moment(one.period.end)}",
        )
        for one in result.caught
    )


def marks(result: Backtest, traces: Traces, frame: Frame) -> tuple[Mark, ...]:
    """Return the fires of every rule, numbered in their order."""
    fires = sorted((fire for rule in result.rules for fire in rule.fires), key=lambda fire: fire.at)
    found: list[Mark] = []
    free_from = 0.0
    for number, fire in enumerate(fires, 1):
        x = frame.x(traces.tick_at(fire.at))
        text, free_from = (str(number), x + _LABEL_ROOM) if x >= free_from else ("", free_from)
        css = "right" if fire.period else "false"
        said = f"{number}. {fire.rule} at {moment(fire.at)}{'' if fire.period else ', a false fire'}"
        found.append(Mark(x=x, number=text, css=css, title=said))
    return tuple(found)


def moment(at: datetime) -> str:
    """Write a time to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _panel(name: str, trace: CriterionTrace, frame: Frame) -> Panel:
    test = trace.criterion.test
    about = f"{test.compare} on {trace.criterion.signal}"
    if not isinstance(test, EventTest):
        about += f", {trace.judged:,} judged"
    if trace.criterion.mode == "observe":
        about += ", only observed"
    return Panel(
        criterion=name,
        about=about,
        rate=_events(trace, frame) if isinstance(test, EventTest) else _rates(trace, frame),
        evidence=None if isinstance(test, EventTest) else _evidence(trace, frame),
        blind=tuple(frame.span(first, last + 1, "blind", "blind") for first, last in trace.blind),
    )


def _rates(trace: CriterionTrace, frame: Frame) -> Plot:
    highest = max((point.high for point in trace.rate.points), default=0.0)
    top = _top(trace, highest)
    peak = f", goes up to {_percent(highest)}" if highest > top else ""

    def y(rate: float) -> float:
        # A square root: what is wild must not press the limit to the ground.
        return round((1 - sqrt(min(rate, top) / top)) * RATE_HEIGHT, 1)

    return Plot(
        height=RATE_HEIGHT,
        title=f"bad of judged (square-root scale{peak})",
        bands=tuple(_bands(trace.rate, frame, y)),
        lines=tuple(_lines(trace.rate, frame, y, lambda point: point.mean)),
        limits=tuple(_lines(trace.limit, frame, y, lambda point: point.mean)),
        references=_limit_reference(trace.limit.points, y),
        labels=tuple(Label(at=y(rate), text=_percent(rate)) for rate in _round_rates(top)),
    )


def _top(trace: CriterionTrace, highest: float) -> float:
    """Return the highest rate that is drawn: what most see, and the limit with some room."""
    mean = max((point.mean for point in trace.rate.points), default=0.0)
    limit = max((point.high for point in trace.limit.points), default=0.0)
    return min(1.0, max(min(highest, _MOST_OVER_MEAN * max(mean, limit)), limit * 1.5)) or 1.0


def _events(trace: CriterionTrace, frame: Frame) -> Plot:
    top = max((point.high for point in trace.rate.points), default=1.0)

    def y(count: float) -> float:
        return round((1 - count / top) * RATE_HEIGHT, 1)

    return Plot(
        height=RATE_HEIGHT,
        title="events in a tick",
        bands=tuple(
            f"M{frame.x(point.first)},{RATE_HEIGHT}V{y(point.high)}"
            for point in trace.rate.points
            if point.high
        ),
        lines=(),
        labels=(Label(at=y(0), text="0"), Label(at=y(top), text=f"{top:g}")),
    )


def _evidence(trace: CriterionTrace, frame: Frame) -> Plot:
    points = trace.evidence.points
    need = trace.need or 10.0
    highest = max((point.high for point in points), default=1.0)
    top = max(need * 10, min(highest, need * _MOST_OVER_NEED))
    low, room = log10(LEAST_EVIDENCE), log10(top) - log10(LEAST_EVIDENCE)

    def y(evidence: float) -> float:
        inside = min(max(evidence, LEAST_EVIDENCE), top)
        return round((1 - (log10(inside) - low) / room) * EVIDENCE_HEIGHT, 1)

    step = max(1, round(room / 5))
    peak = f", goes up to {highest:.0e}" if highest > top else ""
    references = [
        Reference(at=y(level), text_at=y(level) + off, text=text, css=css)
        for level, off, text, css in (
            (trace.suspicion, _BELOW, "hold", "hold"),
            (trace.need, _ABOVE, "revert", "revert"),
        )
        if trace.need
    ]
    return Plot(
        height=EVIDENCE_HEIGHT,
        title=f"evidence (log scale{peak})",
        bands=tuple(_bands(trace.evidence, frame, y)),
        lines=tuple(_lines(trace.evidence, frame, y, lambda point: point.high)),
        references=tuple(references),
        labels=tuple(
            Label(at=y(10.0**power), text=f"1e{power}") for power in range(0, int(log10(top)) + 1, step)
        ),
    )


def _limit_reference(limits: Sequence[Point], y: Callable[[float], float]) -> tuple[Reference, ...]:
    if not limits:
        return ()
    last = limits[-1].mean
    return (Reference(at=y(last), text_at=y(last) + _BESIDE, text=f"limit {_percent(last)}", css="limit"),)


def _percent(rate: float) -> str:
    return f"{rate * 100:.3g} %"


def _round_rates(top: float) -> Iterator[float]:
    """Yield rates to label: 0, and some round ones up to the top."""
    yield 0.0
    shown = 1.0
    for share in (1.0, 0.36, 0.09):
        value = float(f"{top * share:.1g}")
        if value <= top and value < shown:
            yield value
            shown = value


def _runs(trace: Trace) -> Iterator[list[Point]]:
    """Yield the points that follow each other without a gap."""
    run: list[Point] = []
    for point in trace.points:
        if run and point.first // trace.width > run[-1].last // trace.width + 1:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _middle(point: Point) -> float:
    return (point.first + point.last) / 2


def _lines(
    trace: Trace, frame: Frame, y: Callable[[float], float], value: Callable[[Point], float]
) -> Iterator[str]:
    for run in _runs(trace):
        places = [(frame.x(_middle(point)), y(value(point))) for point in run]
        yield _path(places if len(places) > 1 else [places[0], (places[0][0] + 1, places[0][1])])


def _bands(trace: Trace, frame: Frame, y: Callable[[float], float]) -> Iterator[str]:
    for run in _runs(trace):
        highs = [(frame.x(_middle(point)), y(point.high)) for point in run]
        lows = [(frame.x(_middle(point)), y(point.low)) for point in reversed(run)]
        yield f"{_path([*highs, *lows])}Z"


def _path(places: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in places)
