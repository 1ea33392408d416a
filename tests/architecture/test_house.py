"""The house keeps its own rules: doors declare access, the edge commits, one room reads the clock."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ("exchange", "listings", "contracts", "delivery", "settlement", "recognition", "demo")
SNAPSHOT = Path(__file__).with_name("routes.txt")
EDGES = {"exchange/database.py"}
CLOCKS = {"exchange/clock.py"}


def sources() -> Iterator[tuple[str, str]]:
    for chapter in CHAPTERS:
        for path in sorted((ROOT / chapter).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()


def found_outside(pattern: str, allowed: set[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, code in sources()
        if name not in allowed
        for number, line in enumerate(code.splitlines(), 1)
        if re.search(pattern, line) and not line.strip().startswith("#")
    ]


def test_every_route_declares_who_may_come_in(app: Any) -> None:
    undeclared = [r.endpoint for r in app.url_map.iter_rules() if not hasattr(app.view_functions[r.endpoint], "access")]

    assert undeclared == []


def test_a_new_door_shows_in_the_snapshot_of_all_doors(app: Any) -> None:
    """Run with SNAPSHOT=1 to write the snapshot anew, and read the difference before you commit it."""
    doors = sorted(
        f"{rule.rule}  {method}  {app.view_functions[rule.endpoint].access}"
        for rule in app.url_map.iter_rules()
        for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
    )
    if os.environ.get("SNAPSHOT") == "1":
        SNAPSHOT.write_text("\n".join(doors) + "\n")

    assert doors == SNAPSHOT.read_text().splitlines()


def test_only_the_edge_commits() -> None:
    assert found_outside(r"\.commit\(\)|\.rollback\(\)", EDGES) == []


def test_only_one_room_reads_the_clock() -> None:
    assert found_outside(r"datetime\.(now|utcnow|today)\(|date\.today\(|\btime\.time\(", CLOCKS) == []


def test_no_room_is_called_utils() -> None:
    names = {Path(name).stem for name, _ in sources()}

    assert not names & {"utils", "helpers", "common", "misc"}


def test_nothing_is_left_for_later() -> None:
    assert found_outside(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError", set()) == []


@pytest.mark.parametrize(
    "pattern",
    [r"https?://(?!127\.0\.0\.1|localhost)[^\"' ]+\.js", r"<script(?![^>]*src=)", r"\son\w+=\"", r"\sstyle=\""],
)
def test_templates_hold_no_script_style_or_foreign_host(pattern: str) -> None:
    offending = [
        str(p.relative_to(ROOT)) for p in (ROOT / "templates").rglob("*.html") if re.search(pattern, p.read_text())
    ]

    assert offending == []


def test_every_template_compiles_and_every_endpoint_it_names_exists(app: Any) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    for path in sorted((ROOT / "templates").rglob("*.html")):
        source = path.read_text()
        try:
            app.jinja_env.compile(source)
        except jinja2.TemplateSyntaxError as error:
            pytest.fail(f"{path}: {error}")
        named = set(re.findall(r"url_for\(\s*[\"']([\w.]+)[\"']", source))
        assert named <= endpoints, f"{path}: {named - endpoints}"


def test_the_api_says_which_refusals_each_operation_gives(app: Any) -> None:
    spec = app.api.spec.to_dict()
    silent = [
        (path, method)
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete") and "429" not in operation["responses"]
    ]

    assert silent == []
