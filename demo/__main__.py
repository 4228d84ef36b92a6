"""`make demo`: watch a bad release being detected, reverted in stages, verified and written up.

Exit codes: 0 exposure is really 0 and the users recovered, 1 they did not or something did not work,
2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Run the demo and return its exit code."""
    wanted = argparse.ArgumentParser(prog="python -m demo", description=(__doc__ or "").splitlines()[0])
    wanted.add_argument("--interactive", action="store_true", help="answer yourself, from another terminal")
    wanted.add_argument("--state", type=Path, default=Path(".backout/demo"), help="where its folder is made")
    given = wanted.parse_args(arguments)
    try:
        # Imported here: it takes a second, in which a Ctrl-C must be as clean as later.
        from demo import run  # noqa: PLC0415

        return run.perform(interactive=given.interactive, parent=given.state.resolve())
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
