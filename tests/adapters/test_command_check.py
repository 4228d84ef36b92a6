"""A program of the site's own, as a real process: what it may see, how it ends, and what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.checks import command
from backout.errors import RejectedBySystem
from backout.messages import CheckResult
from backout.requests import RunCheck
from tests.adapters.checked import Checks, secret

ASKED = RunCheck(check="looked", service="chat", release="r2; rm -rf $HOME", baseline="r1", key="i@1/check/1")


async def python(checks: Checks, program: str, *words: str, **config: Any) -> CheckResult:  # noqa: ANN401
    check = checks.open(kind="command", command=[sys.executable, "-c", program, *words], **config)
    return await check.run(asked=ASKED)


async def shell(checks: Checks, script: str, **config: Any) -> CheckResult:  # noqa: ANN401  # any field
    return await checks.open(kind="command", command=["/bin/sh", "-c", script], **config).run(asked=ASKED)


@pytest.mark.parametrize(
    ("script", "passed", "found"),
    [
        ("exit 0", True, "/bin/sh ended with exit code 0"),
        ("echo fine", True, "/bin/sh ended with exit code 0: fine"),
        ("echo out; echo 3 left >&2; exit 4", False, "/bin/sh ended with exit code 4: out / 3 left"),
        ("kill -9 $$", False, "/bin/sh was ended by SIGKILL"),
        (r"printf 'a\033[31mred\a\n'", True, "/bin/sh ended with exit code 0: a[31mred"),
        (r"printf '\377'", True, "/bin/sh ended with exit code 0: \N{REPLACEMENT CHARACTER}"),
    ],
)
async def test_exit_code_0_passes_and_the_end_of_what_it_wrote_is_told(
    checks: Checks, script: str, *, passed: bool, found: str
) -> None:
    result = await shell(checks, script)
    assert (result.passed, result.found) == (passed, found)


async def test_whole_arguments_are_filled_in_and_no_shell_reads_them(checks: Checks) -> None:
    words = ("$service", "$release", "$baseline", "$key", "*")
    result = await python(checks, "import sys; print(sys.argv[1:])", *words)
    assert result.found.endswith("['chat', 'r2; rm -rf $HOME', 'r1', 'i@1/check/1', '*']")


async def test_it_sees_the_environment_that_is_named_and_nothing_of_ours(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKERS_SECRET", "s3cret")
    env = {"PLAIN": "yes", "TOKEN": secret(checks, "t0ken")}
    result = await shell(checks, "/usr/bin/env | /usr/bin/sort", env=env)
    names = {part.partition("=")[0] for part in result.found.partition(": ")[2].split(" / ")}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PLAIN", "TOKEN"}


async def test_its_secrets_are_never_told_not_even_the_end_of_one(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"TOKEN": secret(checks, "t0ken-of-24-characters!!")}
    assert (await shell(checks, "echo it is $TOKEN.", env=env)).found.endswith("it is ***.")
    for size in range(1, 60):
        monkeypatch.setattr(command, "TAIL", size)
        found = (await shell(checks, 'printf "%s, then %s" $TOKEN $TOKEN', env=env)).found
        assert "characters" not in found
        assert "!!" not in found


async def test_it_runs_in_the_folder_that_is_named(checks: Checks, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    assert (await shell(checks, "pwd", folder="jobs")).found.endswith(str(tmp_path / "jobs"))


@pytest.fixture
def our_input() -> Iterator[None]:
    """An input of our own that never ends."""
    saved, (ours, theirs) = os.dup(0), os.pipe()
    os.dup2(ours, 0)
    yield
    os.dup2(saved, 0)
    for one in (saved, ours, theirs):
        os.close(one)


@pytest.mark.usefixtures("our_input")
async def test_it_has_no_input_and_never_ours(checks: Checks) -> None:
    assert (await shell(checks, "cat; echo done", timeout="60s")).found.endswith("code 0: done")


async def test_of_a_huge_output_the_end_is_kept_and_nothing_is_held_up(checks: Checks) -> None:
    result = await python(checks, "print('x' * 30_000_000); print('the last line')")
    assert result.passed
    assert result.found.endswith("x / the last line")
    assert len(result.found) < 2 * command.TAIL


async def test_one_that_takes_too_long_is_asked_to_end(checks: Checks) -> None:
    script = "trap 'echo ending; exit 0' TERM; echo began; while :; do sleep 0.01; done"
    result = await shell(checks, script, timeout="3s")
    assert not result.passed
    assert result.found.startswith("/bin/sh had not ended after 3s and was ended: began")
    assert result.found.endswith("/ ending")


async def test_one_that_does_not_listen_is_killed(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "GRACE_S", 0.1)
    result = await shell(checks, "trap '' TERM; echo $$; while :; do sleep 1; done", timeout="3s")
    assert not result.passed
    assert is_gone(int(result.found.rpartition(": ")[2]))


async def test_what_it_has_started_ends_with_it(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "GRACE_S", 0.1)
    child = "(trap '' TERM; while :; do sleep 1; done) & echo $!"
    ended = await shell(checks, f"{child}; exit 0")
    late = await shell(checks, f"{child}; while :; do sleep 1; done", timeout="3s")
    assert (ended.passed, late.passed) == (True, False)
    assert is_gone(int(ended.found.rpartition(": ")[2]))
    assert is_gone(int(late.found.rpartition(": ")[2]))


async def test_one_that_leaves_its_group_holds_nobody_up(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "GRACE_S", 0.1)
    escapes = (
        "import os, time\n"
        "ours, theirs = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    print(os.getpid(), flush=True)\n"
        "    os.write(theirs, b'!')\n"
        "    time.sleep(50)\n"
        "os.read(ours, 1)"
    )
    result = await python(checks, escapes)
    assert result.passed
    os.kill(int(result.found.rpartition(": ")[2]), 9)


async def test_who_cancels_the_check_ends_the_command(checks: Checks, tmp_path: Path) -> None:
    run = asyncio.create_task(shell(checks, "echo $$ > began.tmp; mv began.tmp began; sleep 50"))
    began = tmp_path / "began"
    while not began.exists():  # noqa: ASYNC110  # it is another process
        await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert is_gone(int(began.read_text()))  # it cannot block


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"command": ["no-such-program"]}, "'no-such-program' cannot be started in .*No such file"),
        ({"command": ["./data"]}, "'./data' cannot be started in .*Permission denied"),
        ({"command": ["/bin/true"], "folder": "none"}, "cannot be started in .*none"),
    ],
    ids=["a program that is missing", "a file that is none", "a folder that is missing"],
)
async def test_one_that_cannot_be_started_is_refused_and_no_failed_check(
    checks: Checks, tmp_path: Path, config: dict[str, Any], says: str
) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(RejectedBySystem, match=says):
        await checks.open(kind="command", **config).run(asked=ASKED)


def is_gone(process: int) -> bool:
    """Say whether a process ends: whoever adopted it may still have to notice."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
