"""Runs a command that dies with the process that started it: `leash.py PARENT_PID COMMAND [ARGUMENT...]`.

The kernel is asked to kill this process when its parent ends, however that ends, and the command then takes
this process's place. Linux only; elsewhere the command just runs. It imports nothing but the standard
library, so that it costs a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, and become the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the kernel knew.
    if os.getppid() != int(parent):
        sys.exit(f"{command[0]} was not started: whoever wanted it is gone.")
    os.execv(command[0], command)  # noqa: S606  # no shell is the point


if __name__ == "__main__":
    main()
