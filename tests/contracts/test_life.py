"""The life of a contract through its doors: who asks, who agrees, who decides, and what each is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from contracts import actions, rules
from contracts.models import Contract
from exchange import clock, database
from exchange.database import session
from exchange.identity.models import Notice
from tests.contracts.conftest import PATHS, WHY, at_state, offered, publish
from tests.world import Person, World

Act = Callable[..., Any]


def test_a_contract_is_requested_accepted_and_approved(act: Act, ask: Act) -> None:
    contract = ask(purchase_order="PO-1").json
    assert (contract["state"], contract["turn"], contract["version"]) == ("requested", "provider", 1)
    assert contract["number"].startswith("C-") and len(contract["document"]["sha256"]) == 64

    internal = {"approval_reference": "情政第123号", "approved_on": "2026-11-20", "signatory": "市長 山田"}
    accepted = act(contract, "provider", "accept", version=1, **internal).json
    assert (accepted["state"], accepted["turn"]) == ("accepted", "operator")
    assert {name: accepted[name] for name in internal} == internal

    active = act(contract, "operator", "approve").json
    assert active["state"] == "active" and active["starts_on"] and active["ends_on"] is None
    steps = [(None, "requested"), ("requested", "accepted"), ("accepted", "active")]
    assert [(h["from"], h["to"]) for h in active["history"]] == steps
    assert [h["actor"] for h in active["history"]] == ["地図制作株式会社", "みなとデータ株式会社", "運営事務局"]
    assert active["document"]["sha256"] == contract["document"]["sha256"]


def test_acceptance_is_recorded_with_who_when_from_where_and_what(ask: Act, act: Act, company: Person) -> None:
    contract = at_state("active", ask, act)
    kept = session.get_one(Contract, contract["id"])
    session.refresh(kept, attribute_names=["acceptances"])
    assert [(a.side, a.version, a.remote) for a in kept.acceptances] == [
        ("buyer", 1, "127.0.0.1"),
        ("provider", 1, "127.0.0.1"),
    ]
    assert kept.acceptances[1].member_id == company.id
    assert {a.document_sha256 for a in kept.acceptances} == {contract["document"]["sha256"]}


DEEDS: dict[str, dict[str, Any]] = {
    "accept": {},
    "counter": {"variables": {"cure_days": 21}, "message": "理由"},
    "approve": {},
    "return": {"to": "buyer", "reason": "理由"},
    "reject": WHY,
    "decline": WHY,
    "suspend": WHY,
    "resume": WHY,
    "terminate": WHY,
}


@pytest.mark.parametrize("state", sorted(PATHS))
def test_every_state_takes_the_deeds_of_its_table_from_the_sides_it_names(state: str, ask: Act, act: Act) -> None:
    contract = at_state(state, ask, act)
    for deed, body in DEEDS.items():
        for side in ("buyer", "provider", "operator"):
            if deed in ALLOWED.get((state, side), []):
                continue  # done one by one below, since doing it moves the contract
            answer = act(contract, side, deed, **body)
            expected = 403 if side not in rules.WHO[deed] else 409
            if deed == "resume" and state == "suspended":
                expected = 403
            assert answer.status_code == expected, (state, deed, side, answer.json)
            if expected == 409:
                assert answer.json["state"] == state and isinstance(answer.json["allowed"], list)


ALLOWED: dict[tuple[str, str], list[str]] = {
    ("requested", "provider"): ["accept", "counter", "decline"],
    ("requested", "buyer"): ["decline"],
    ("countered", "buyer"): ["accept", "counter", "decline"],
    ("countered", "provider"): ["decline"],
    ("accepted", "operator"): ["approve", "return", "reject"],
    ("active", "buyer"): ["terminate"],
    ("active", "provider"): ["suspend", "terminate"],
    ("active", "operator"): ["suspend", "terminate"],
    ("suspended", "buyer"): ["terminate"],
    ("suspended", "provider"): ["resume", "terminate"],
    ("suspended", "operator"): ["terminate"],
}


@pytest.mark.parametrize(
    ("state", "side", "deed"), [(state, side, deed) for (state, side), deeds in ALLOWED.items() for deed in deeds]
)
def test_allowed_deeds_move_the_contract_as_the_table_says(
    state: str, side: str, deed: str, ask: Act, act: Act
) -> None:
    contract = at_state(state, ask, act)
    answer = act(contract, side, deed, **DEEDS[deed])
    assert answer.status_code == 200, answer.json
    assert answer.json["state"] == rules.TRANSITIONS[state, deed]


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_variables_left_out_take_the_offers_then_the_templates_default(company: Person, buyer: Person) -> None:
    fixed = offered(company, publish(company), variables={"ai_training": "permitted"}).json
    body = {"offer_id": fixed["id"], "purpose": "学習", "accept_terms": True}
    made = buyer.post("/contracts", body | {"variables": {"storage_country": "worldwide"}}).json
    assert made["variables"]["ai_training"] == "permitted"
    assert made["variables"]["storage_country"] == "worldwide"
    assert made["variables"]["updates"] == "release_only" and made["variables"]["term"] == "indefinite"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"purpose": "  "}, "purpose"),
        ({"purpose": "あ" * 1001}, "purpose"),
        ({"purpose": "絵文字😀"}, "purpose"),
        ({"purpose": "右から\u202e左"}, "purpose"),
        ({"accept_terms": False}, "accept_terms"),
        ({"variables": {"ai_training": "permitted"}}, "variables.ai_training"),
        ({"variables": {"nonsense": 1}}, "variables.nonsense"),
        ({"variables": {"starts_on": "2020-01-01"}}, "variables.starts_on"),
        ({"variables": {"starts_on": "tomorrow"}}, "variables.starts_on"),
        ({"variables": {"storage_country": "moon"}}, "variables.storage_country"),
        ({"variables": {"storage_country": ["japan"]}}, "variables.storage_country"),
        ({"purchase_order": "x" * 61}, "purchase_order"),
    ],
)
def test_what_cannot_stand_in_a_contract_is_refused_by_field(ask: Act, fields: Any, named: str) -> None:
    answer = ask(**fields)
    assert answer.status_code == 422 and named in answer.json["errors"], answer.json


def test_html_in_a_purpose_is_kept_as_text(ask: Act, buyer: Person) -> None:
    contract = ask(purpose="<script>alert(1)</script>").json
    page = buyer.get(f"/contracts/{contract['id']}/document", headers={"Accept": "text/html"})
    assert b"<script>alert" not in page.data and b"&lt;script&gt;" in page.data


def test_strangers_do_not_know_the_contract(world: World, ask: Act) -> None:
    contract, stranger = ask().json, world.organization("無関係株式会社")
    assert stranger.get(f"/contracts/{contract['id']}").status_code == 404
    for deed, body in DEEDS.items():
        assert stranger.post(f"/contracts/{contract['id']}/{deed}", body).status_code == 404
    assert stranger.get("/contracts").json["items"] == []


def test_who_may_not_ask(world: World, company: Person, buyer: Person, ask: Act) -> None:
    clerk = world.colleague(buyer, "owner", may_bind=False)
    unverified = world.organization("未確認株式会社", verified=False)
    for person in (clerk, unverified, company, world.admin):
        assert ask(by=person).status_code == 403
    assert ask(by=buyer).status_code == 201


def test_an_offer_that_cannot_be_seen_is_not_found(company: Person, buyer: Person) -> None:
    hidden = offered(company, publish(company, visibility="organization")).json
    draft = offered(company, publish(company, state="draft")).json
    for offer in (hidden, draft):
        body = {"offer_id": offer["id"], "purpose": "利用", "accept_terms": True}
        assert buyer.post("/contracts", body).status_code == 404
    assert buyer.post("/contracts", {"offer_id": "x", "purpose": "利用", "accept_terms": True}).status_code == 404


def test_a_closed_offer_takes_no_request_and_leaves_contracts_alone(
    ask: Act, act: Act, company: Person, offer: Any
) -> None:
    contract = ask().json
    assert company.post(f"/offers/{offer['id']}/close").json["state"] == "closed"
    assert ask().status_code == 409
    assert act(contract, "provider", "accept").status_code == 200
    assert company.post(f"/offers/{offer['id']}/close").status_code == 409


def test_a_buyer_may_hold_several_contracts_on_one_offer(ask: Act) -> None:
    numbers = {ask().json["number"] for _ in range(3)}
    assert len(numbers) == 3


# ── turns and versions ───────────────────────────────────────────────────────────────────────────────────────────────


def test_each_counter_is_a_new_version_and_an_old_one_cannot_be_accepted(ask: Act, act: Act) -> None:
    contract = ask().json
    countered = act(contract, "provider", "counter", variables={"cure_days": 7}, message="短く").json
    assert (countered["state"], countered["turn"], countered["version"]) == ("countered", "buyer", 2)
    assert countered["document"]["sha256"] != contract["document"]["sha256"]
    refused = act(contract, "buyer", "accept", version=1)
    assert refused.status_code == 409 and refused.json["version"] == 2
    again = act(contract, "buyer", "counter", variables={"cure_days": 10}, message="間を取って").json
    assert (again["version"], again["turn"], again["variables"]["cure_days"]) == (3, "provider", 10)
    assert act(contract, "provider", "accept", version=3).json["state"] == "accepted"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"variables": {}, "message": "変更なし"}, "variables"),
        ({"variables": {"cure_days": 14}, "message": "変更なし"}, "variables"),
        ({"variables": {"cure_days": 7}, "message": " "}, "message"),
        ({"variables": {"cure_days": 0}, "message": "短く"}, "variables.cure_days"),
        ({"variables": {"court": ""}, "message": "裁判所"}, "variables.court"),
        ({"variables": {"court": "東京😀地裁"}, "message": "裁判所"}, "variables.court"),
        ({"variables": {"security_level": "L3", "storage_country": "worldwide"}, "message": "国外"}, "variables.storage_country"),
    ],
)  # fmt: skip
def test_a_counter_that_cannot_stand_is_refused(ask: Act, act: Act, body: Any, named: str) -> None:
    answer = act(ask().json, "provider", "counter", **body)
    assert answer.status_code == 422 and named in answer.json["errors"], answer.json


def test_a_return_gives_the_turn_to_the_named_party_and_voids_approvals(ask: Act, act: Act) -> None:
    contract = at_state("accepted", ask, act)
    for to in ("buyer", "provider"):
        returned = act(contract, "operator", "return", to=to, reason="目的を詳しく").json
        assert (returned["state"], returned["turn"]) == ("requested", to)
        assert act(contract, rules.other(to), "accept").status_code == 409
        assert act(contract, to, "accept").json["state"] == "accepted"
    assert act(contract, "operator", "return", to="operator", reason="x").status_code == 422
    assert act(contract, "operator", "approve").json["state"] == "active"


def test_an_administrator_cannot_change_terms(ask: Act, act: Act) -> None:
    contract = ask().json
    assert act(contract, "operator", "counter", variables={"cure_days": 7}, message="x").status_code == 403


@pytest.mark.parametrize("deed", ["decline", "reject", "suspend", "terminate"])
def test_a_reason_says_something(ask: Act, act: Act, deed: str) -> None:
    state, side = {"decline": ("requested", "buyer"), "reject": ("accepted", "operator")}.get(
        deed, ("active", "provider")
    )
    assert act(at_state(state, ask, act), side, deed, reason=" ").status_code == 422


# ── approval ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_administrators_approve_where_data_go_abroad(world: World, ask: Act, act: Act) -> None:
    contract = at_state("accepted", ask, act, variables={"storage_country": "worldwide"})
    first = act(contract, "operator", "approve").json
    assert (first["state"], first["approvals"]) == ("accepted", {"given": 1, "needed": 2})
    assert act(contract, "operator", "approve").status_code == 409
    second = world.administrator(1).post(f"/contracts/{contract['id']}/approve").json
    assert (second["state"], second["approvals"]) == ("active", {"given": 2, "needed": 2})


def test_of_two_administrators_at_once_one_wins(world: World, ask: Act, act: Act) -> None:
    contract = at_state("accepted", ask, act)
    admins = [world.admin, world.administrator(1)]
    assert all(admin.token for admin in admins)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda admin: admin.post(f"/contracts/{contract['id']}/approve"), admins))
    assert sorted(a.status_code for a in answers) == [200, 409]
    loser = next(a.json for a in answers if a.status_code == 409)
    assert loser["state"] == "active" and "terminate" in loser["allowed"] and "approve" not in loser["allowed"]


def test_nothing_is_approved_on_a_withdrawn_listing_or_for_a_suspended_party(
    ask: Act, act: Act, company: Person, listing_id: str
) -> None:
    contract = at_state("accepted", ask, act)
    _set("UPDATE organization SET state = 'suspended' WHERE id = :id", company.organization_id)
    assert act(contract, "operator", "approve").status_code == 409
    _set("UPDATE organization SET state = 'verified' WHERE id = :id", company.organization_id)
    _set("UPDATE listing SET state = 'withdrawn' WHERE id = :id", listing_id)
    refused = act(contract, "operator", "approve")
    assert refused.status_code == 409 and refused.json["allowed"] == ["return", "reject"]


def _set(statement: str, id: str) -> None:
    from sqlalchemy import text

    with database.transaction():
        session.execute(text(statement), {"id": id})
    session.remove()


# ── in force ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fixed_term_ends_by_itself(company: Person, buyer: Person, world: World) -> None:
    offer = offered(company, publish(company), {"model": "subscription", "price_jpy": 1000, "interval": "month"}).json
    contract = world.contract(buyer, company, offer)
    assert contract["ends_on"] is not None
    _set("UPDATE contract SET ends_on = starts_on - 1 WHERE id = :id", contract["id"])
    world.tick("end-contracts")
    ended = buyer.get(f"/contracts/{contract['id']}").json
    assert ended["state"] == "ended" and ended["history"][-1]["actor"] is None
    assert ended["ended_at"].startswith(ended["starts_on"] + "T00:00:00")


def test_an_unanswered_request_lapses(ask: Act, act: Act, world: World) -> None:
    contract = ask().json
    _set("UPDATE contract SET answer_by = answer_by - interval '46 days' WHERE id = :id", contract["id"])
    late = act(contract, "provider", "accept")
    assert late.status_code == 409 and late.json["state"] == "expired"
    world.tick("expire-requests")
    assert act(contract, "buyer", "decline", reason="x").json["state"] == "expired"


def test_termination_with_cure_period_is_announced_and_then_takes_effect(ask: Act, act: Act, world: World) -> None:
    contract = at_state("active", ask, act)
    announced = act(contract, "buyer", "terminate", reason="未提供", when="after_cure").json
    assert announced["state"] == "active" and announced["terminates_at"]
    assert act(contract, "buyer", "terminate", reason="未提供", when="after_cure").status_code == 409
    world.tick("end-contracts")
    assert act(contract, "buyer", "terminate", reason="x", when="later").status_code == 422
    with database.transaction():
        assert actions.end_finished(at=clock.now() + timedelta(days=16)) == 1
    session.remove()
    assert act(contract, "provider", "suspend", reason="x").json["state"] == "terminated"


def test_a_prepaid_contract_opens_when_the_money_is_in(company: Person, buyer: Person, world: World) -> None:
    prepaid = {"model": "one_off", "price_jpy": 10_000, "payment": "prepaid"}
    contract = world.contract(buyer, company, offered(company, publish(company), prepaid).json)
    kept = session.get_one(Contract, contract["id"])
    assert rules.delivery_refusal(kept, at=clock.now()) is not None
    for _ in range(2):
        with database.transaction():
            actions.payment_received(contract["id"], at=clock.now())
    session.remove()
    paid = session.get_one(Contract, contract["id"])
    assert rules.delivery_refusal(paid, at=clock.now()) is None
    assert [h["deed"] for h in buyer.get(f"/contracts/{contract['id']}").json["history"]].count("pay") == 1


def test_everybody_concerned_is_told(ask: Act, act: Act, company: Person, buyer: Person, world: World) -> None:
    assert world.admin
    contract = at_state("active", ask, act)
    act(contract, "provider", "terminate", reason="終了します")

    def told(person: Person) -> list[str]:
        return [
            n.title.split("（")[0] for n in session.query(Notice).filter_by(member_id=person.id).order_by(Notice.id)
        ]

    assert told(company) == ["契約の申込みがありました", "契約が成立しました"]
    assert told(buyer) == ["契約の条件が承諾されました", "契約が成立しました", "契約が終了しました"]
    assert told(world.admin) == ["承認待ちの契約があります"]


def test_the_same_key_with_the_same_body_asks_once(buyer: Person, offer: Any) -> None:
    body = {"offer_id": offer["id"], "purpose": "利用", "accept_terms": True}
    first, again = (buyer.post("/contracts", body, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json["id"] == again.json["id"] and again.headers["Idempotency-Replayed"] == "true"


def test_lists_are_paged_and_filtered(ask: Act, act: Act, buyer: Person, company: Person, world: World) -> None:
    made = [ask().json["id"] for _ in range(3)]
    act({"id": made[0]}, "provider", "accept")
    page = buyer.get("/contracts?limit=2").json
    assert [c["id"] for c in page["items"]] == [made[2], made[1]]
    rest = buyer.get(f"/contracts?limit=2&cursor={page['next_cursor']}").json
    assert [c["id"] for c in rest["items"]] == [made[0]] and rest["next_cursor"] is None
    assert [c["id"] for c in company.get("/contracts?state=accepted").json["items"]] == [made[0]]
    assert company.get("/contracts?side=buyer").json["items"] == []
    assert len(world.admin.get("/contracts").json["items"]) == 3
    assert buyer.get("/contracts?cursor=made-up").status_code == 422
