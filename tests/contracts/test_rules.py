"""The state table, who may move it, what a contract entitles to: every pair, listed or not."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import rules
from exchange.errors import Forbidden, WrongState

AT = datetime(2026, 11, 24, 12, tzinfo=rules.JST)


@dataclass
class Someone:
    organization_id: str
    roles: list[str] = field(default_factory=lambda: ["owner"])
    may_bind: bool = True
    is_operator: bool = False


@dataclass
class Party:
    kind: str = "company"


@dataclass
class Deal:
    state: str = "requested"
    turn: str | None = "provider"
    suspended_by: str | None = None
    provider_id: str = "provider"
    buyer_id: str = "buyer"
    buyer: Party = field(default_factory=Party)
    awaits_confirmation: bool = True  # so that every deed of the table has its object
    unsigned: list[str] = field(default_factory=lambda: ["buyer", "provider"])
    variables: dict[str, Any] = field(default_factory=lambda: {"term": "renewing"})
    renewal_refused_by: str | None = None


PEOPLE = {
    "buyer": Someone("buyer"),
    "provider": Someone("provider"),
    "operator": Someone("house", ["approver"], is_operator=True),
}
STRANGER = Someone("stranger")


@pytest.mark.parametrize("state", rules.STATES)
@pytest.mark.parametrize("deed", rules.DEEDS)
def test_every_state_and_deed_is_listed_or_refused_with_what_is_allowed(state: str, deed: str) -> None:
    if (state, deed) in rules.TRANSITIONS:
        assert rules.after(state, deed) in rules.STATES
    else:
        with pytest.raises(WrongState) as refused:
            rules.after(state, deed)
        assert refused.value.extra["state"] == state
        assert refused.value.extra["allowed"] == rules.deeds_in(state)


@pytest.mark.parametrize("state", rules.STATES)
@pytest.mark.parametrize("deed", [d for d in rules.DEEDS if d in rules.WHO])
@pytest.mark.parametrize("side", [*PEOPLE, "stranger"])
@pytest.mark.parametrize("turn", ["buyer", "provider", "operator", None])
def test_who_may_do_what_when(state: str, deed: str, side: str, turn: str | None) -> None:
    person = PEOPLE.get(side, STRANGER)
    contract = Deal(state, turn)
    try:
        after = rules.check(deed, person, contract)
    except Forbidden:
        assert side not in rules.WHO[deed]
    except WrongState:
        assert (state, deed) not in rules.TRANSITIONS or (deed in rules.IN_TURN and turn != side)
    else:
        assert side in rules.WHO[deed] and rules.TRANSITIONS[state, deed] == after
        assert deed not in rules.IN_TURN or turn == side
    assert (deed in rules.allowed(person, contract)) == _passes(deed, person, contract)


def _passes(deed: str, person: Someone, contract: Deal) -> bool:
    try:
        rules.check(deed, person, contract)
    except (Forbidden, WrongState):
        return False
    return True


def test_ten_thousand_steps_of_anybody_never_leave_the_table_and_replay_to_the_same_state() -> None:
    """Every step is tried by somebody of some side and role; the history alone leads to the same state."""
    dice = random.Random(20261125)
    people = [
        Someone(side, roles, may_bind, is_operator=side == "operator")
        for side in ("buyer", "provider", "operator", "stranger")
        for roles in (["owner"], ["data_officer"], ["viewer"], ["approver"], ["finance"])
        for may_bind in (True, False)
    ]
    contract, history, reached, taken = Deal(), list[str](), set[str](), 0
    for _ in range(10_000):
        deed = dice.choice(rules.DEEDS)
        try:
            by_time = deed in ("expire", "renew", "end")
            after = rules.after(contract.state, deed) if by_time else rules.check(deed, dice.choice(people), contract)
        except (Forbidden, WrongState):
            continue
        assert contract.state not in rules.FINAL and (contract.state, deed) in rules.TRANSITIONS
        taken += 1
        contract.state, contract.turn = after, dice.choice(["buyer", "provider"])
        history.append(deed)
        reached.add(after)
        assert reduce(rules.after, history, "requested") == contract.state
        if after in rules.FINAL:
            contract, history = Deal(), []
    assert reached == set(rules.STATES) and taken > 500


@pytest.mark.parametrize(
    ("deed", "changes"),
    [
        ("confirm", {"state": "requested", "awaits_confirmation": False}),
        ("sign", {"state": "accepted", "unsigned": ["provider"]}),
        ("refuse_renewal", {"state": "active", "variables": {"term": "fixed"}}),
        ("refuse_renewal", {"state": "active", "renewal_refused_by": "provider"}),
    ],
)
def test_a_deed_without_an_object_is_refused_and_not_offered(deed: str, changes: dict[str, Any]) -> None:
    contract = Deal(**changes)
    with pytest.raises(WrongState):
        rules.check(deed, PEOPLE["buyer"], contract)
    assert deed not in rules.allowed(PEOPLE["buyer"], contract)


def test_final_states_allow_nothing() -> None:
    assert all(not rules.deeds_in(state) for state in rules.FINAL)
    assert {state for state in rules.STATES if not rules.deeds_in(state)} == rules.FINAL


@pytest.mark.parametrize("deed", sorted(rules.BINDING - {"request"}))
def test_only_who_may_bind_binds(deed: str) -> None:
    officer = Someone("buyer", ["data_officer"], may_bind=False)
    assert rules.refusal(deed, officer, Deal("active")) is not None


def test_a_data_officer_may_stop_delivery_and_a_viewer_may_not() -> None:
    assert rules.refusal("suspend", Someone("provider", ["data_officer"], may_bind=False), Deal("active")) is None
    assert rules.refusal("suspend", Someone("provider", ["viewer"], may_bind=False), Deal("active")) is not None


def test_an_administrator_needs_the_role_of_approver() -> None:
    finance = Someone("house", ["finance"], is_operator=True)
    assert rules.refusal("approve", finance, Deal("accepted")) is not None


@pytest.mark.parametrize(("by", "who", "may"), [("provider", "provider", True), ("provider", "operator", False),
                                                ("operator", "provider", False), ("operator", "operator", True)])  # fmt: skip
def test_only_the_side_that_suspended_resumes(by: str, who: str, may: bool) -> None:
    assert (rules.refusal("resume", PEOPLE[who], Deal("suspended", None, by)) is None) == may


@dataclass
class Running:
    state: str = "active"
    starts_on: date | None = date(2026, 11, 1)
    ends_on: date | None = None
    terminates_at: datetime | None = None
    payment: str = "on_activation"
    paid_at: datetime | None = None


@pytest.mark.parametrize(
    ("changes", "delivers"),
    [
        ({}, True),
        *[({"state": state}, state == "active") for state in rules.STATES],
        ({"starts_on": date(2026, 11, 25)}, False),
        ({"starts_on": date(2026, 11, 24)}, True),
        ({"ends_on": date(2026, 11, 24)}, True),
        ({"ends_on": date(2026, 11, 23)}, False),
        ({"terminates_at": AT}, False),
        ({"terminates_at": AT + timedelta(seconds=1)}, True),
        ({"payment": "prepaid"}, False),
        ({"payment": "prepaid", "paid_at": AT}, True),
    ],
)
def test_when_data_may_leave(changes: dict[str, Any], delivers: bool) -> None:
    assert (rules.delivery_refusal(Running(**changes), at=AT) is None) == delivers


@dataclass
class Version:
    id: str
    state: str = "published"
    published_at: datetime | None = AT


@pytest.mark.parametrize(
    ("release", "updates", "covered"),
    [
        (Version("2"), "release_only", True),
        (Version("2"), "included", True),
        (Version("3"), "release_only", False),
        (Version("3"), "included", True),
        (Version("1"), "included", False),
        (Version("3", "draft", None), "included", False),
        (Version("3", published_at=AT + timedelta(days=9)), "included", False),
    ],
)
def test_which_releases_a_contract_covers(release: Version, updates: str, covered: bool) -> None:
    found = rules.covers(
        release,
        contract_release_id="2",
        variables={"updates": updates},
        activated_at=AT,
        ended_at=AT + timedelta(days=8),
    )
    assert found == covered


@pytest.mark.parametrize(
    ("first", "months", "last"),
    [
        (date(2026, 4, 1), 12, date(2027, 3, 31)),
        (date(2026, 11, 24), 12, date(2027, 11, 23)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 1), 1, date(2026, 12, 31)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 1, 1), 120, date(2035, 12, 31)),
    ],
)
def test_terms_end_by_the_calendar(first: date, months: int, last: date) -> None:
    assert rules.ends_on(first, months) == last


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(1, 120))
def test_a_term_is_never_shorter_than_its_months_less_a_day(first: date, months: int) -> None:
    last = rules.ends_on(first, months)
    assert last > first and 27 * months < (last - first).days + 1 <= 31 * months
    assert rules.ends_on(last + timedelta(days=1), 1) > last


def test_a_cure_period_ends_at_midnight_in_japan() -> None:
    assert rules.cure_ends_at(AT, 14) == datetime(2026, 12, 9, tzinfo=rules.JST)


MARKS = {"data_class": "non_personal", "deviating": [], "price_jpy": 10_000}


@pytest.mark.parametrize(
    ("variables", "changes", "marks"),
    [
        ({"storage_country": "japan"}, {}, []),
        ({"storage_country": "worldwide"}, {}, ["cross_border"]),
        ({}, {"data_class": "person_related"}, ["data_class"]),
        ({"exclusivity": "exclusive"}, {}, ["exclusive"]),
        ({"exclusivity": "sole"}, {"deviating": ["exclusivity"]}, ["exclusive", "deviation"]),
        ({}, {"other_prices_jpy": [30_000]}, []),
        ({}, {"other_prices_jpy": [30_000, 40_000]}, ["price"]),
        ({}, {"other_prices_jpy": [4_000, 4_900]}, ["price"]),
        ({}, {"other_prices_jpy": [8_000, 20_000]}, []),
    ],
)
def test_what_makes_a_second_administrator_look(variables: Any, changes: Any, marks: list[str]) -> None:
    found = rules.risk_marks(variables, **(MARKS | changes))
    assert found == marks
    assert rules.approvals_needed(found) == (2 if marks else 1)


MARCH = date(2027, 3, 31)


@dataclass
class Term(Deal):
    state: str = "active"
    ends_on: date = MARCH
    renewal_ground: str | None = None
    deletion: Any = None
    variables: dict[str, Any] = field(
        default_factory=lambda: {"term": "renewing", "term_months": 12, "renewal_notice_days": 30}
    )


CITY = Party("municipality")


@pytest.mark.parametrize(
    ("changes", "months", "renews"),
    [
        ({}, 12, True),
        ({"renewal_refused_by": "buyer"}, 12, False),
        ({"buyer": CITY}, 12, False),
        ({"buyer": CITY, "renewal_ground": "債務負担行為 令和9年度"}, 12, True),
        ({"buyer": CITY, "ends_on": date(2026, 9, 30)}, 6, True),
        ({"buyer": CITY, "ends_on": date(2026, 10, 1)}, 6, False),
        ({"buyer": CITY, "ends_on": date(2026, 4, 1)}, 9, True),
    ],
)
def test_when_a_term_renews_itself(changes: dict[str, Any], months: int, renews: bool) -> None:
    contract = Term(**changes)
    contract.variables["term_months"] = months
    found = rules.renewal(contract)
    assert found is not None and found.renews == renews
    assert found.until == rules.ends_on(contract.ends_on + timedelta(days=1), months)


def test_a_fixed_term_and_an_ended_one_do_not_renew() -> None:
    assert rules.renewal(Term(variables={"term": "fixed", "term_months": 12})) is None
    assert rules.renewal(Term(state="ended")) is None


def test_a_renewal_is_refused_as_long_as_notice_is_in_time() -> None:
    contract, last = Term(buyer=CITY), date(2027, 3, 1)
    assert "refuse_renewal" in rules.open_to(PEOPLE["buyer"], contract, last)
    assert rules.open_to(PEOPLE["buyer"], contract, last + timedelta(days=1)) == ["terminate", "ground"]
    assert "ground" not in rules.open_to(PEOPLE["provider"], contract, last)
