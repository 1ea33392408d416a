"""After the end the buyer deletes, says when and how, and both have a certificate of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pypdf
import pytest

from tests.contracts.conftest import WHY, Ask, at_state, days_from_now, in_database, tasks_of, told
from tests.world import Person, World

Act = Callable[..., Any]
DONE = {"method": "サーバーと控えから削除しました。"}


@pytest.fixture
def contract(ask: Ask, act: Act) -> Any:
    """Ended, with 30 days to delete."""
    return at_state("terminated", ask, act)


def test_the_end_brings_a_deadline_at_once(contract: Any, buyer: Person, company: Person) -> None:
    assert contract["deletion"] == {"due_on": days_from_now(30), "deleted_on": None, "certified_at": None}
    task = tasks_of(buyer)["提供データの消去の報告"]
    assert (task.count, task.due_on.isoformat()) == (1, days_from_now(30))
    assert "提供データの消去の報告" not in tasks_of(company)
    assert "消去し、報告してください" in buyer.see(f"/desk/contracts/{contract['id']}")


def test_the_buyer_reports_through_the_page_and_both_get_the_certificate(
    contract: Any, buyer: Person, company: Person, world: World
) -> None:
    path = f"/desk/contracts/{contract['id']}"
    assert company.browser.get(f"{path}/deletion.pdf").status_code == 404
    assert buyer.fill(f"{path}/deletion", deleted_on=days_from_now(0), **DONE).status_code == 303
    for person in (buyer, company):
        answer = person.browser.get(f"{path}/deletion.pdf")
        words = pypdf.PdfReader(io.BytesIO(answer.data)).pages[0].extract_text().replace(" ", "")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        for said in ("廃棄証明書", contract["number"], "地図制作株式会社", "サーバーと控えから削除しました。"):
            assert said in words
        assert "廃棄証明書" in person.see(path)
    assert world.organization("無関係株式会社").browser.get(f"{path}/deletion.pdf").status_code == 404
    assert "データの消去が報告されました" in told(company) and "提供データの消去の報告" not in tasks_of(buyer)


def test_a_deletion_is_reported_once(contract: Any, buyer: Person) -> None:
    body = {"deleted_on": days_from_now(0), **DONE}
    reported = buyer.post(f"/contracts/{contract['id']}/deletion", body)
    assert reported.json["deletion"]["deleted_on"] == days_from_now(0)
    assert buyer.post(f"/contracts/{contract['id']}/deletion", body).status_code == 409


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"deleted_on": 1}, "今日までの日付"),
        ({"deleted_on": -1}, "今日までの日付"),  # before there was anything to delete
        ({"deleted_on": ""}, "消去した日を入力"),
        ({"method": " "}, "消去の方法を入力"),
        ({"method": "😀"}, "印刷できない文字"),
    ],
)
def test_a_report_says_when_and_how(contract: Any, buyer: Person, fields: Any, named: str) -> None:
    form = {"deleted_on": 0, **DONE, **fields}
    if isinstance(form["deleted_on"], int):
        form["deleted_on"] = days_from_now(form["deleted_on"])
    answer = buyer.fill(f"/desk/contracts/{contract['id']}/deletion", **form)
    assert answer.status_code == 422 and named in answer.get_data(as_text=True)


def test_nobody_else_reports_it(contract: Any, buyer: Person, company: Person, world: World) -> None:
    body = {"deleted_on": days_from_now(0), **DONE}
    for person in (company, world.admin, world.colleague(buyer, "viewer")):
        assert person.post(f"/contracts/{contract['id']}/deletion", body).status_code == 403
    officer = world.colleague(buyer, "data_officer")
    assert officer.post(f"/contracts/{contract['id']}/deletion", body).status_code == 200


def test_a_running_contract_owes_no_deletion(ask: Ask, act: Act, buyer: Person) -> None:
    contract = at_state("active", ask, act)
    body = {"deleted_on": days_from_now(0), **DONE}
    assert buyer.post(f"/contracts/{contract['id']}/deletion", body).status_code == 409


def test_a_deadline_that_passed_is_told_once(contract: Any, buyer: Person, company: Person, world: World) -> None:
    for overdue in (0, 1):
        in_database("UPDATE deletion_duty SET due_on = :on", on=days_from_now(-overdue))
        for _ in range(2):
            world.tick("remind-of-contracts")
        for person in (buyer, company):
            assert told(person).count("データの消去の期限が過ぎています") == overdue


def test_what_was_never_in_force_owes_nothing(ask: Ask, act: Act, buyer: Person) -> None:
    contract = at_state("rejected", ask, act)
    assert contract["deletion"] is None
    page = buyer.see(f"/desk/contracts/{contract['id']}")
    assert "消去" not in page.split("主な条件")[0] and WHY["reason"] in page
