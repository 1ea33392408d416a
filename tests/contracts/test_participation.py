"""The exchange's own terms: what they settle, whom each clause binds, and that a new version is accepted anew."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from contracts.guideline import TEMPLATES, offered
from contracts.guideline.platform_participation import MARKS, TEMPLATE, VERSIONS
from exchange import clock, database
from exchange.errors import Invalid
from exchange.identity import terms
from tests.contracts.conftest import publish
from tests.world import Person, World

PAGES = {"/terms/providers": "provider", "/terms/users": "buyer"}


def words(answer: Any) -> str:
    return html.unescape(str(answer.get_data(as_text=True)))


def accepted_version_1(person: Person) -> None:
    """As someone is who accepted the first version, before there was a second."""
    with database.transaction():
        member = person.member
        member.terms_accepted = {key: {**said, "version": 1} for key, said in member.terms_accepted.items()}


# --- the text -------------------------------------------------------------------------------------------------


def test_every_topic_of_the_guideline_is_settled_by_some_clause() -> None:
    sources = "".join(clause.source.ja for clause in TEMPLATE.clauses)

    assert [mark for mark in MARKS if mark not in sources] == []
    assert all(clause.confirmed == any(mark in clause.source.ja for mark in MARKS) for clause in TEMPLATE.clauses)


@pytest.mark.parametrize(
    "settled",
    [
        "弁済を提供者に代わって受ける権限",
        "預り金であり、運営者の収益ではありません",
        "①警告 ②公開停止",
        "弁明の機会",
        "受付、調査、回答、終了",
        "14日以内に回答",
        "提供データの中身を読みません",
        "条文、価格を書き換えません",
        "①申出 ②掲載の取下げ",
        "計量記録を、引渡しの事実と量についての証拠",
        "30日前まで",
        "民法第548条の4",
        "仮名加工情報（法第41条第6項、第42条第1項）",
    ],
)
def test_the_terms_settle(settled: str) -> None:
    assert any(settled in p.ja for clause in TEMPLATE.clauses for p in clause.paragraphs)


def test_articles_are_numbered_through_and_name_only_those_there_are() -> None:
    numbers = [clause.article for clause in TEMPLATE.clauses]
    text = "".join(p.en for clause in TEMPLATE.clauses for p in clause.paragraphs)

    assert numbers == list(range(1, len(numbers) + 1))
    assert all(clause.binds for clause in TEMPLATE.clauses)
    assert {int(n) for n in re.findall(r"Article (\d+), paragraph", text)} == {6, 12, 21}
    said = {c.article: c.title.ja for c in TEMPLATE.clauses}
    assert (said[21], said[24], said[26]) == ("運営者の義務と責任の限度", "脱退", "規約の変更")


def test_the_version_in_force_is_the_last_one_written() -> None:
    for key in ("providers", "users"):
        assert str(terms.IN_FORCE[key].version) == VERSIONS[-1].version == TEMPLATES[TEMPLATE.key].version
        assert terms.IN_FORCE[key].since == TEMPLATE.dated


# --- where it is read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *(f"{path}/versions/2" for path in PAGES)])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_each_side_reads_the_template_s_clauses_that_bind_it_and_no_others(client: Any, path: str, lang: str) -> None:
    page, party = words(client.get(f"{path}?lang={lang}")), PAGES[path.removesuffix("/versions/2")]
    plain = [p.in_(lang) for c in TEMPLATE.clauses if party in c.binds for p in c.paragraphs if "{" not in p.ja]
    foreign = [p.in_(lang) for c in TEMPLATE.clauses if party not in c.binds for p in c.paragraphs]

    assert [p for p in plain if p not in page] == []
    assert [p for p in foreign if p in page] == []
    assert "仲立ちデータ取引市場 運営事務局" in page and "{operator}" not in page


def test_the_first_version_stays_as_it_was(client: Any) -> None:
    page = words(client.get("/terms/providers/versions/1"))

    assert "過去の版です" in page and "参加規約" not in page and "第14条(準拠法と裁判所)" in page


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_template_is_read_whole_and_says_whom_each_clause_binds(client: Any, lang: str) -> None:
    answer = client.get(f"/contract-templates/platform-participation?lang={lang}")
    page = words(answer)

    assert answer.status_code == 200 and page.count("<h1") == 1
    assert page.count('class="clause"') == len(TEMPLATE.clauses)
    assert "/contract-templates/platform-participation" in words(client.get("/contract-templates"))


def test_the_api_says_the_same(client: Any) -> None:
    found = client.get("/api/v1/contract-templates/platform-participation").json

    assert (found["kind"], found["version"], found["variables"]) == ("participation", "2", [])
    assert [c["binds"] for c in found["clauses"]] == [list(c.binds) for c in TEMPLATE.clauses]


def test_no_offer_stands_on_it(company: Person) -> None:
    base = f"/desk/listings/{publish(company, state='draft')}/offers"

    with pytest.raises(Invalid):
        offered("platform-participation")
    assert "platform-participation" not in company.see(f"{base}/choose")
    new = f"{base}/new?template=platform-participation&model=free"
    assert company.browser.get(new).status_code == 404


# --- a new version --------------------------------------------------------------------------------------------


def test_who_accepted_the_first_version_is_asked_anew_and_until_then_requests_nothing(
    buyer: Person, ask: Callable[..., Any]
) -> None:
    accepted_version_1(buyer)
    assert "改定された規約への同意" in buyer.see("/desk")

    refused = ask()
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/terms-not-accepted")
    assert "データ利用者規約" in refused.json["detail"]

    assert buyer.fill("/desk/terms").status_code == 303
    assert buyer.member.terms_accepted["users"]["version"] == 2
    assert "改定された規約への同意" not in buyer.see("/desk")
    assert ask().status_code == 201


def test_a_provider_neither_lists_nor_concludes_before_its_owner_accepted(
    world: World, company: Person, ask: Callable[..., Any]
) -> None:
    contract, draft = ask().json, publish(company, state="draft")
    officer = world.colleague(company, "data_officer")
    accepted_version_1(company)

    for by, path in (
        (company, f"/contracts/{contract['id']}/accept"),
        (company, f"/listings/{draft}/submit"),
        (officer, f"/listings/{draft}/submit"),
    ):
        assert by.post(path, {"answers": []} if "submit" in path else {}).json["type"] == "/problems/terms-not-accepted"

    company.fill("/desk/terms")
    assert company.post(f"/contracts/{contract['id']}/accept").status_code == 200
    assert officer.post(f"/listings/{draft}/submit", {"answers": []}).json.get("type") != "/problems/terms-not-accepted"


def test_a_running_contract_goes_on_without_it(
    world: World, company: Person, buyer: Person, offer: dict[str, Any]
) -> None:
    contract = world.contract(buyer, company, offer)
    accepted_version_1(company)
    accepted_version_1(buyer)

    assert buyer.get(f"/contracts/{contract['id']}").json["state"] == "active"


def test_what_an_owner_accepted_stands_when_that_owner_leaves(world: World, buyer: Person) -> None:
    successor = world.colleague(buyer, "owner")
    accepted_version_1(successor)
    with database.transaction():
        buyer.member.removed_at = clock.now()
        assert terms.accepted_by(successor.organization_id, "users")
