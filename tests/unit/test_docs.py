"""The documents say what is so: what they name exists, and what exists is named where people look for it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer

from backout import check_values, checks, doors, rotas, site, targets
from backout.commands import VERBS
from backout.model import Frozen
from cli.main import app
from tools.root_imports import NEVER

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NOT_YET = "not yet"
EACH_DOCUMENT = pytest.mark.parametrize(
    "document", [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in DOCUMENTS]
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """Return a document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def ticked(text: str) -> list[str]:
    """Return what stands between single backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row; the heads and the lines below them are left out."""
    lines = text.splitlines()
    heads = {n for n, after in enumerate(lines[1:]) if re.fullmatch(r"\|[-|]+\|", after)}
    table = [line for n, line in enumerate(lines) if line.startswith("|") and not {n, n - 1} & heads]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its rank or of a higher one."""
    rank = heading.split(" ", maxsplit=1)[0]
    found = re.search(
        rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(rank)}}} |\Z)", text, re.DOTALL | re.MULTILINE
    )
    assert found, f"there is no heading '{heading}'"
    return found[1]


def anchors(text: str) -> set[str]:
    """Return the names by which headings are linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EACH_DOCUMENT
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document.read_text(encoding="utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, anchor = link.partition("#")
        target = document.parent / place if place else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            lost.append(link)
    assert not lost


@EACH_DOCUMENT
def test_every_file_that_is_named_is_there(document: Path) -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    named = {
        name
        for name in ticked(prose(document.read_text(encoding="utf-8")))
        if re.fullmatch(r"[a-z_]+/[a-z0-9_./-]*", name) and name.partition("/")[0] in folders
    }
    assert not {name for name in named if not (ROOT / name).exists()}


@EACH_DOCUMENT
def test_every_make_target_that_is_named_is_there(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    text = document.read_text(encoding="utf-8")
    named = {name for code in ticked(text) for name in re.findall(r"^make ([a-z-]+)", code)}
    named |= set(re.findall(r"^\$ (?:[A-Z]+=\S+ )?make ([a-z-]+)", text, re.MULTILINE))
    assert not named - targets


@EACH_DOCUMENT
def test_every_command_that_is_named_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    typed = [code for code in ticked(text) if code.startswith("backout ")]
    typed += re.findall(r"^ *\$ (backout [^|#\n]*)", text, re.MULTILINE)
    assert not [line for line in typed if not is_command(line.split()[1:])]


def is_command(words: list[str]) -> bool:
    """Say whether the words begin with a command or an option of it; a word in capitals is a placeholder."""
    command = typer.main.get_command(app)
    for word in words:
        if not isinstance(command, typer.core.TyperGroup):
            return True
        if word.startswith("-") or word.isupper():
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


def test_the_readme_names_the_two_commands() -> None:
    assert re.search(r"^\$ make demo\b.*\n\$ make test\b", read("README.md"), re.MULTILINE)


def test_the_picture_of_the_demo_has_chapters_of_the_demo() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "demo").glob("*.py"))
    chapters = re.findall(
        r"^\d+  (\S.*)$", read("README.md") + read("docs/tutorials/first-incident.md"), re.MULTILINE
    )
    assert len(chapters) > 10
    assert not [title for title in chapters if f'"{title}"' not in source]


def coverage() -> list[list[str]]:
    return rows(read("docs/coverage.md"))


def test_coverage_has_one_row_for_each_line_of_what_was_asked_for() -> None:
    assert [row[0] for row in coverage()] == [str(number) for number in range(1, 83)]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"line {row[0]}") for row in coverage()])
def test_a_line_is_covered_by_a_file_and_a_test_that_exist_or_not_yet(row: list[str]) -> None:
    _, phrase, feature, file, test = row
    assert phrase
    if NOT_YET in (feature, file, test):
        assert (feature, file, test) == (NOT_YET, NOT_YET, NOT_YET)
        return
    assert (ROOT / file.strip("`")).exists()
    place, _, name = test.strip("`").partition("::")
    assert re.search(rf"def {name}\(", read(place)), f"{place} has no test {name}"


def test_every_word_of_the_glossary_that_names_code_is_right() -> None:
    named = [cell for row in rows(read("docs/glossary.md")) for cell in row[2:]]
    assert not [cell for cell in named if cell not in {"-", NOT_YET} and not ticked(cell)]
    assert not [name for cell in named for name in ticked(cell) if not resolves(name)]


def resolves(name: str) -> bool:
    """Say whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_every_decision_is_listed_and_is_one_page_with_its_parts() -> None:
    index = read("docs/adr/README.md")
    for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        assert f"]({path.name})" in index
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
        ]
        assert len(text.splitlines()) <= 60


def project() -> dict[str, list[dict[str, list[str] | str]]]:
    found: dict[str, list[dict[str, list[str] | str]]] = tomllib.loads(read("pyproject.toml"))["tool"][
        "importlinter"
    ]
    return found


def forbidden(importer: str) -> set[str]:
    """Return what the contracts forbid an importer."""
    never = set(NEVER.get(f"{importer}.py", ()))
    for contract in project()["contracts"]:
        if contract["type"] == "layers":
            never |= outside_of(importer, [layer.split(" | ") for layer in contract["layers"]])
        elif importer in contract["source_modules"]:
            never |= set(contract["forbidden_modules"])
    return never


def outside_of(importer: str, layers: list[list[str]]) -> set[str]:
    """Return the layers above the importer's own, and its neighbours."""
    rank = next((n for n, layer in enumerate(layers) if importer in layer), None)
    return set() if rank is None else {name for layer in layers[: rank + 1] for name in layer} - {importer}


def import_table() -> Iterator[tuple[str, set[str]]]:
    text = section(read("ARCHITECTURE.md"), "## Who may import whom")
    groups = {
        name.lower(): set(ticked(listed))
        for name, listed in re.findall(r"^- \*([A-Z][a-z ]+)\*: ([^.]+)\.", text, re.MULTILINE)
    }
    for importer, _, never in rows(text):
        named = set(ticked(never)).union(*(groups[group] for group in re.findall(r"\*([a-z ]+)\*", never)))
        yield importer.strip("`"), named


def test_the_import_table_is_the_one_that_the_contracts_hold() -> None:
    assert {importer: sorted(never) for importer, never in import_table()} == {
        importer: sorted(forbidden(importer)) for importer, _ in import_table()
    }


def test_every_package_and_every_single_module_has_its_row_in_the_import_table() -> None:
    modules = {path.stem for path in ROOT.glob("*.py")}
    assert {importer for importer, _ in import_table()} == set(project()["root_packages"]) | modules


def test_each_of_the_eight_invariants_has_its_tests() -> None:
    table = rows(section(read("ARCHITECTURE.md"), "## Invariants"))
    assert [row[0] for row in table] == [str(number) for number in range(1, 9)]
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/invariants").glob("test_*.py")]
    assert sorted(row[2].strip("`") for row in table) == sorted(files)


def test_contributing_names_every_gate() -> None:
    gates = re.search(r"^GATES := (.+)$", read("Makefile"), re.MULTILINE)
    assert gates
    named = [name for row in rows(section(read("CONTRIBUTING.md"), "## Gates")) for name in ticked(row[0])]
    assert named == gates[1].split()


def test_every_word_for_slack_is_explained_where_slack_is_set_up() -> None:
    told = rows(section(read("docs/how-to/own-service.md"), "## 8. Let Slack in"))
    assert sorted(told) == sorted([f"`/backout {verb.usage}`", verb.about] for verb in VERBS.values())


def site_models() -> list[type[Frozen]]:
    parts = [
        part
        for module in (site, doors, rotas, targets, checks, check_values)
        for part in vars(module).values()
        if isinstance(part, type) and issubclass(part, Frozen)
    ]
    return [part for part in dict.fromkeys(parts) if part not in {Frozen, checks.BaseCheck}]


@pytest.mark.parametrize("model", site_models(), ids=lambda model: model.__name__)
def test_every_field_of_the_site_file_is_documented_with_what_happens_without_it(model: type[Frozen]) -> None:
    told = {
        row[0].strip("`"): row[2]
        for row in rows(section(read("docs/reference/site.md"), f"## {model.__name__}"))
    }
    assert list(told) == list(model.model_fields)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert {name for name, without in told.items() if without == "an error"} == required


def test_the_changelog_begins_with_what_is_not_released() -> None:
    assert re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)[0] == "Unreleased"
