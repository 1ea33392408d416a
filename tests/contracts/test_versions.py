"""Every round with its message, and any two versions side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.conftest import Ask
from tests.world import Person, World

Act = Callable[..., Any]


@pytest.fixture
def contract(ask: Ask, act: Act) -> Any:
    """In its third version."""
    made = ask().json
    act(made, "provider", "counter", variables={"cure_days": 30}, message="是正の期間を長くしたいです。")
    return act(made, "buyer", "counter", variables={"audit": "yes"}, message="監査を加えてください。").json


def test_every_round_says_who_proposed_it_and_why(contract: Any, company: Person, buyer: Person) -> None:
    for path in (f"/desk/contracts/{contract['id']}", f"/desk/contracts/{contract['id']}/versions"):
        page = company.see(path)
        for words in ("第3版", "是正の期間を長くしたいです。", "監査を加えてください。", "地図制作株式会社"):
            assert words in page
    assert "監査を加えてください。" in buyer.see(f"/desk/contracts/{contract['id']}")


def test_any_two_versions_are_compared_by_variable_and_clause(contract: Any, company: Person) -> None:
    base = f"/desk/contracts/{contract['id']}/versions"
    page = company.see(f"{base}/2?with=1")
    assert "変わった項目は1件" in page and "14日" in page and "30日" in page
    assert "第14条" in page.split("変わっていない条文")[0] and "変更前" in page and "変更後" in page
    page = company.see(f"{base}/1?with=3")
    assert "変わった項目は2件" in page and "第1版と第3版の比較" in page
    assert "違いはありません" in company.see(f"{base}/2?with=2")
    assert "第1版と第3版の比較" in company.see(f"{base}/1")


def test_the_versions_to_compare_are_chosen_without_scripts(contract: Any, company: Person) -> None:
    base = f"/desk/contracts/{contract['id']}/versions"
    answer = company.browser.get(f"{base}?version=3&with=2")
    assert answer.status_code == 303 and answer.headers["Location"].endswith("/versions/3?with=2")


@pytest.mark.parametrize("path", ["/0", "/4", "/1?with=9", "/x"])
def test_a_version_there_is_none_of_is_not_found(contract: Any, company: Person, path: str) -> None:
    assert company.browser.get(f"/desk/contracts/{contract['id']}/versions{path}").status_code == 404


def test_strangers_read_no_version(contract: Any, world: World) -> None:
    stranger = world.organization("無関係株式会社")
    for path in ("", "/1", "/2?with=1"):
        assert stranger.browser.get(f"/desk/contracts/{contract['id']}/versions{path}").status_code == 404
