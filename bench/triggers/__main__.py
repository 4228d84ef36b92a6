"""python -m bench.triggers [--quick]: the tables of docs/triggers.md, seeded, on two cores."""

from __future__ import annotations

import argparse
import asyncio
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import monotonic

from bench.triggers import cost, forms, tables, watching
from bench.triggers.plan import SEED, Plan
from bench.triggers.traffic import REALISTIC

CORES = 2


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.triggers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs, and no watched releases")
    parser.add_argument("--cores", type=int, default=CORES, help="how many processes run at a time")
    told = parser.parse_args()
    share = 0.1 if told.quick else 1.0
    begun = monotonic()
    # The cost comes first, while nothing else runs here.
    spent = cost.measured()
    watched = None if told.quick else asyncio.run(watching.measured(watching.RELEASES))
    with ProcessPoolExecutor(told.cores, mp_context=get_context("spawn")) as pool:
        plan = Plan(pool, share=share)
        longer = plan.longer.result()
        tables.print_false_reverts(
            {**{kind.name: found.result() for kind, found in plan.ours.items()}, REALISTIC.name: longer}
        )
        tables.print_longer(longer)
        tables.print_head_starts(plan.evidence.result())
        tables.print_side_by_side({kind.name: found.result() for kind, found in plan.usual.items()})
        tables.print_delays(plan.delays.result(), plan.rough_delays.result())
        tables.print_settings(plan.grid.result(), plan.grid_delays.result())
        for kind, some in plan.forms.items():
            tables.print_forms(kind, list(zip(forms.ALL[kind], (one.result() for one in some), strict=True)))
        tables.print_event(plan.event.result())
    tables.print_cost(spent)
    if watched:
        watching.print_watching(watched)
    print(f"\n{monotonic() - begun:.0f} s, seed {SEED}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
