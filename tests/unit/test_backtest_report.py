"""The page of a backtest: thinning hides no extreme, gaps stay gaps, and nothing in it can become markup."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from backout.backtest import Gate, Period
from backout.backtest_page import report_page
from backout.plots import LEFT, RIGHT, WIDTH, Frame, marks, panels, shades
from backout.simulation import Simulation
from backout.traces import MOST_POINTS, Trace, Traces
from deployment import load_templates
from tests.unit.linted import changed
from tests.unit.recorded import at, guard, looks, stream

BAD = Period(start=at(hours=1), end=at(hours=1, minutes=30))
SICK = [(120, 0.01), (60, -1), (60, 0.01), (120, 0.1), (60, 0.01)]


def traced() -> tuple[Simulation, Traces]:
    by = guard()
    simulation, traces = Simulation(by, bad=[BAD]), Traces(by)
    for look in looks(stream(SICK)):
        said = simulation.look(look)
        assert simulation.watch is not None
        traces.take(simulation.watch, said)
    return simulation, traces


@pytest.mark.parametrize("ticks", [10, MOST_POINTS, MOST_POINTS + 1, 10 * MOST_POINTS])
def test_a_trace_stays_small_and_keeps_its_highest_its_lowest_and_its_mean(ticks: int) -> None:
    trace = Trace()
    for tick in range(ticks):
        trace.add(tick, 5.0 if tick == 7 else 0.0 if tick == 3 else 1.0)
    assert len(trace.points) <= MOST_POINTS
    assert len(trace.points) >= min(ticks, MOST_POINTS // 2)
    assert max(point.high for point in trace.points) == 5
    assert min(point.low for point in trace.points) == 0
    assert sum(point.total for point in trace.points) == pytest.approx(ticks + 3)


def test_a_mean_weighs_each_tick_by_what_was_judged_in_it() -> None:
    trace = Trace()
    trace.width = 4
    trace.add(0, 1.0, weight=1)
    trace.add(1, 0.0, weight=99)
    assert trace.points[0].mean == pytest.approx(0.01)


def test_ticks_without_data_break_the_curve_and_are_hatched() -> None:
    _, traces = traced()
    (panel,) = panels(traces, Frame(traces))
    assert len(panel.rate.lines) == 2
    first, blind = panel.blind  # before the first data, and without any
    assert first.width < blind.width / 10
    assert blind.width == pytest.approx((WIDTH - LEFT - RIGHT) * 57 / 420, rel=0.1)


def test_marks_and_shades_stand_where_the_decision_and_the_bad_period_are() -> None:
    simulation, traces = traced()
    frame = Frame(traces)
    result = simulation.result("chat", Gate(rules=("critical",)))
    (mark,) = marks(result, traces, frame)
    (shade,) = shades(result, traces, frame)
    assert (mark.css, mark.number) == ("right", "1")
    assert shade.x < mark.x < shade.x + shade.width
    assert shade.x == pytest.approx(LEFT + (WIDTH - LEFT - RIGHT) * 240 / 420, abs=3)


def test_every_number_of_a_path_is_inside_of_its_plot() -> None:
    _, traces = traced()
    (panel,) = panels(traces, Frame(traces))
    assert panel.evidence is not None
    for plot in (panel.rate, panel.evidence):
        for path in (*plot.lines, *plot.bands, *plot.limits):
            for x, y in re.findall(r"([-\d.e]+),([-\d.e]+)", path):
                assert LEFT <= float(x) <= WIDTH - RIGHT + 1
                assert 0 <= float(y) <= plot.height


def test_a_wild_tick_is_cut_off_and_told_and_does_not_press_the_limit_to_the_ground() -> None:
    _, traces = traced()
    for tick in range(421, 440):
        traces.of["limit"].rate.add(tick, 0.01, weight=1e6)
    traces.of["limit"].rate.add(440, 1.0, weight=1)
    traces.of["limit"].rate.add(441, 0.0, weight=1e6)
    traces.of["limit"].rate.width = 64
    traces.of["limit"].rate._halve()  # noqa: SLF001  # as months are thinned
    (panel,) = panels(traces, Frame(traces))
    (limit,) = panel.rate.references
    assert "goes up to 100 %" in panel.rate.title
    assert limit.at < panel.rate.height * 0.8


def test_the_time_axis_begins_where_the_data_does() -> None:
    by = guard()
    traces, simulation = Traces(by), Simulation(by)
    for look in looks([row._replace(at=row.at - timedelta(seconds=15)) for row in stream([(240, 0.01)])]):
        said = simulation.look(look)
        assert simulation.watch is not None
        traces.take(simulation.watch, said)
    first = next(Frame(traces).times())
    assert first.text == "08:00"
    assert first.at < LEFT + 5


def test_counts_and_times_are_written_as_people_read_them() -> None:
    simulation, traces = traced()
    result = simulation.result("chat", Gate(rules=("critical",)))
    result = result.model_copy(update={"ticks": 201601, "observed": {"a": 1, "b": 2}})
    page = report_page(changed({}), result, None, traces, templates=load_templates())
    assert "201,601 ticks" in page
    assert f"{360 * 100:,} judged" in page
    assert "Only observed: a, once." in page
    assert "Only observed: b, 2 times." in page


def test_what_comes_from_outside_cannot_become_markup() -> None:
    simulation, traces = traced()
    evil = "<script>alert('1')</script>"
    result = simulation.result("chat", Gate(rules=("critical",)), notes=[evil])
    page = report_page(changed({}), result, None, traces, templates=load_templates())
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;1&#39;)" in page


def test_the_page_says_when_there_was_no_gate_and_when_it_is_not_passed() -> None:
    simulation, traces = traced()
    templates = load_templates()
    open_ = simulation.result("chat", Gate(rules=("critical",)))
    assert "No gate was given" in report_page(changed({}), open_, None, traces, templates=templates)
    late = simulation.result("chat", Gate(must_catch=timedelta(seconds=1), rules=("critical",)))
    assert "The gate is not passed." in report_page(changed({}), late, None, traces, templates=templates)
