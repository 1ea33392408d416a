"""A municipality's contract becomes final with its 記名押印 or electronic signature, and not before."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.contracts.conftest import days_from_now, offered, publish, tasks_of
from tests.world import Person, World

FREE = {"model": "free"}
PDF = b"%PDF-1.7\n" + b"0" * 7_000_000 + b"\n%%EOF"  # larger than what other pages take


@pytest.fixture
def city(world: World) -> Person:
    return world.city()


@pytest.fixture
def contract(city: Person, buyer: Person) -> Any:
    """Requested of a city, which answers next."""
    offer = offered(city, publish(city), FREE).json
    body = {"offer_id": offer["id"], "purpose": "地図に示すため", "accept_terms": True}
    return buyer.post("/contracts", body).json


def decide(person: Person, contract: Any, deed: str, **body: Any) -> Any:
    answer = person.post(f"/contracts/{contract['id']}/{deed}", body)
    assert answer.status_code == 200, answer.json
    return answer.json


def signature(**changes: Any) -> dict[str, Any]:
    record = {"kind": "paper", "reference": "情政第12号", "signed_on": days_from_now(0), "signatory": "市長 山田花子"}
    return record | changes


def test_number_date_and_signatory_given_with_the_acceptance_are_the_signature(
    city: Person, contract: Any, world: World
) -> None:
    three = {"approval_reference": "情政第9号", "approved_on": "2026-11-20", "signatory": "市長 山田花子"}
    assert decide(city, contract, "accept", **three)["waiting_for"] == ["approval"]
    assert decide(world.admin, contract, "approve")["state"] == "active"


def test_two_of_the_three_are_not(city: Person, contract: Any, world: World) -> None:
    decide(city, contract, "accept", approval_reference="情政第9号", signatory="市長 山田花子")
    waiting = decide(world.admin, contract, "approve")
    assert (waiting["state"], waiting["turn"], waiting["waiting_for"]) == ("accepted", "provider", ["signature"])
    assert "みなと台市 の記名押印または電子署名の記録が必要です" in city.see(f"/desk/contracts/{contract['id']}")


def test_the_last_of_approval_and_signature_makes_it_active(city: Person, contract: Any, world: World) -> None:
    decide(city, contract, "accept")
    signed = decide(city, contract, "signature", **signature(kind="electronic"))
    assert (signed["state"], signed["turn"], signed["waiting_for"]) == ("accepted", "operator", ["approval"])
    assert decide(world.admin, contract, "approve")["state"] == "active"


def test_after_the_approval_the_signature_makes_it_active(city: Person, contract: Any, world: World) -> None:
    decide(city, contract, "accept")
    decide(world.admin, contract, "approve")
    assert decide(city, contract, "signature", **signature())["state"] == "active"
    assert city.post(f"/contracts/{contract['id']}/signature", signature()).status_code == 409


def test_a_scan_is_recorded_through_the_page_and_kept_for_those_concerned(
    city: Person, contract: Any, buyer: Person, world: World
) -> None:
    decide(city, contract, "accept")
    decide(world.admin, contract, "approve")
    assert tasks_of(city)["記名押印・電子署名の記録を待っている契約"].count == 1
    path = f"/desk/contracts/{contract['id']}"
    assert f"{path}/signature" in city.see(path)
    form = signature(reference="", scan=(io.BytesIO(PDF), "契約書.pdf"))
    assert city.fill(f"{path}/signature", **form).status_code == 303
    page = buyer.see(path)
    assert "契約は有効です" in page and "市長 山田花子" in page
    scan = page.split(f'href="{path}/signatures/')[1].split('"')[0]
    for person in (city, buyer, world.admin):
        answer = person.browser.get(f"{path}/signatures/{scan}")
        assert answer.data == PDF and answer.headers["Content-Disposition"].startswith("attachment")
    stranger = world.organization("無関係株式会社")
    assert stranger.browser.get(f"{path}/signatures/{scan}").status_code == 404
    assert city.browser.get(f"{path}/signatures/unknown.pdf").status_code == 404


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"signed_on": 1}, "今日までの日付"),  # tomorrow
        ({"signed_on": "昨日"}, "日付を"),
        ({"signatory": ""}, "職名と氏名"),
        ({"reference": ""}, "PDFを付けるか、文書番号"),
        ({"scan": b"GIF89a"}, "10 MB 以内の PDF"),
        ({"scan": b"%PDF-" + b"0" * 10_000_000}, "10 MB 以内の PDF"),
    ],
)
def test_a_record_that_says_too_little_or_a_wrong_file_is_refused(
    city: Person, contract: Any, changes: Any, named: str
) -> None:
    decide(city, contract, "accept")
    form = signature(**changes)
    if changes.get("signed_on") == 1:
        form["signed_on"] = days_from_now(1)
    if "scan" in changes:
        form["scan"] = (io.BytesIO(changes["scan"]), "契約書.pdf")
    answer = city.fill(f"/desk/contracts/{contract['id']}/signature", **form)
    assert answer.status_code == 422 and named in answer.get_data(as_text=True)


def test_a_file_far_too_large_is_not_read(city: Person, contract: Any) -> None:
    path = f"/desk/contracts/{contract['id']}"
    assert city.fill(f"{path}/decline", reason="x" * 7_000_000).status_code == 413
    decide(city, contract, "accept")
    form = signature(scan=(io.BytesIO(b"%PDF-" + b"0" * 12_000_000), "契約書.pdf"))
    assert city.fill(f"{path}/signature", **form).status_code == 413


def test_companies_do_not_sign_and_the_operator_signs_for_nobody(
    city: Person, contract: Any, buyer: Person, world: World
) -> None:
    decide(city, contract, "accept")
    assert buyer.post(f"/contracts/{contract['id']}/signature", signature()).status_code == 409
    assert world.admin.post(f"/contracts/{contract['id']}/signature", signature()).status_code == 403
    assert "記名押印・電子署名の記録を待っている契約" not in tasks_of(buyer)


def test_two_municipalities_both_sign(city: Person, world: World) -> None:
    other = world.city("白鷺市")
    offer = offered(city, publish(city), FREE).json
    body = {"offer_id": offer["id"], "purpose": "防災", "accept_terms": True}
    contract = other.post("/contracts", body).json
    decide(city, contract, "accept")
    decide(world.admin, contract, "approve")
    assert decide(city, contract, "signature", **signature())["turn"] == "buyer"
    assert decide(other, contract, "signature", **signature())["state"] == "active"


def test_a_signature_stands_when_the_same_terms_are_accepted_again(city: Person, contract: Any, world: World) -> None:
    decide(city, contract, "accept")
    decide(city, contract, "signature", **signature())
    decide(world.admin, contract, "return", to="provider", reason="担当部署を確かめてください")
    assert decide(city, contract, "accept")["waiting_for"] == ["approval"]


def test_what_can_no_longer_be_concluded_takes_no_signature(city: Person, contract: Any, world: World) -> None:
    decide(city, contract, "accept")
    decide(world.admin, contract, "approve")
    withdrawn = city.post(f"/listings/{contract['listing_id']}/withdraw", {"reason": "誤りがありました"})
    assert withdrawn.status_code == 200, withdrawn.json
    refused = city.post(f"/contracts/{contract['id']}/signature", signature())
    assert refused.status_code == 409 and "成立させられません" in refused.json["detail"]
