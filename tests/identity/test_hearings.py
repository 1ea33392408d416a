"""Nobody verified is suspended unheard: ground and days for an answer, the answer, then the decision."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from exchange import clock, database
from exchange.audit import AuditEntry
from exchange.database import session
from exchange.errors import WrongState
from exchange.identity import hearings, queries
from exchange.identity.hearings import Hearing
from tests.identity.people import letters
from tests.identity.test_organizations import path_of, state_of

GROUND = {"ground": "登録と異なるデータを3回掲載した", "article": "参加規約 第23条"}


def in_days(days: int) -> str:
    return (clock.today() + timedelta(days)).isoformat()


def noticed(world: Any, company: Any, **changes: Any) -> Any:
    fields = {**GROUND, "answer_by": in_days(14), **changes}
    return world.admin.fill(path_of(company) + "/hearing", **fields)


def decides(world: Any, company: Any, decision: str, **changes: Any) -> Any:
    fields = {"decision": decision, "reason": "弁明と記録を確かめた結果", **changes}
    return world.admin.fill(path_of(company) + "/decision", **fields)


def test_an_organization_is_told_why_answers_and_is_told_the_decision(world: Any) -> None:
    company = world.organization("会社")
    assert noticed(world, company).status_code == 303 and state_of(company) == "verified"
    letter = letters(company.email)[0].body
    assert GROUND["ground"] in letter and GROUND["article"] in letter and "/desk/hearing" in letter
    assert "利用停止についての弁明" in company.see("/desk")

    early = decides(world, company, "suspend")
    assert early.status_code == 422 and "弁明を待ってください" in early.get_data(as_text=True)
    assert company.fill("/desk/hearing", answer="手順の誤りで、直しました。").status_code == 303
    assert company.fill("/desk", "/desk/hearing", answer="もう一度").status_code == 422
    assert "弁明が提出されました" in world.admin.see("/desk/notices") and "措置の決定" in world.admin.see("/desk")
    assert "手順の誤りで、直しました。" in world.admin.see(path_of(company) + "/decision")

    assert decides(world, company, "suspend").status_code == 303 and state_of(company) == "suspended"
    assert "弁明と記録を確かめた結果" in letters(company.email)[0].body
    assert "停止する" in company.see("/desk/hearing") and "措置の決定" not in world.admin.see("/desk")
    deeds = session.scalars(select(AuditEntry.deed).where(AuditEntry.deed.startswith("hearing."))).all()
    assert sorted(deeds) == ["hearing.answer", "hearing.decide", "hearing.notice"]


def test_no_measure_may_be_the_decision_at_any_time(world: Any) -> None:
    company = world.organization("会社")
    noticed(world, company)
    assert decides(world, company, "none").status_code == 303 and state_of(company) == "verified"
    assert noticed(world, company).status_code == 303  # another ground, another hearing
    assert len(hearings.of(company.organization_id)) == 2


def test_who_does_not_answer_in_time_is_decided_on_the_day_after(world: Any) -> None:
    company, admin = world.organization("会社"), world.admin
    noticed(world, company)

    def decide(days: int) -> None:
        with database.transaction():
            organization = queries.organization(company.organization_id)
            at = clock.now() + timedelta(days)
            hearings.decide(organization, decision="suspend", reason="弁明がなかった", by=admin.member, at=at)

    with pytest.raises(WrongState):
        decide(14)
    decide(15)
    assert state_of(company) == "suspended"


def test_where_harm_must_be_prevented_the_hearing_comes_afterwards(world: Any) -> None:
    company = world.organization("会社")
    path = path_of(company) + "/suspend-at-once"
    assert world.admin.fill(path, **GROUND, urgency=" ").status_code == 422 and state_of(company) == "verified"
    assert world.admin.fill(path, **GROUND, urgency="個人情報が公開されている").status_code == 303
    assert state_of(company) == "suspended" and "個人情報が公開されている" in letters(company.email)[0].body
    refused = world.admin.fill(path_of(company), path_of(company) + "/verify")
    assert refused.status_code == 422 and "弁明の手続が終わっていません" in refused.get_data(as_text=True)

    assert company.fill("/desk/hearing", answer="公開を止め、原因を除きました。").status_code == 303
    with database.transaction():
        found = session.scalars(select(Hearing)).one()
        assert found.decide_by == clock.today() + timedelta(14)
    assert decides(world, company, "suspend").status_code == 422  # not one of its choices
    assert decides(world, company, "lift").status_code == 303 and state_of(company) == "verified"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ground", " "),
        ("article", ""),
        ("article", "条" * 101),
        ("answer_by", ""),
        ("answer_by", 13),
        ("answer_by", 91),
    ],
)
def test_a_notice_lacks_nothing(world: Any, field: str, value: Any) -> None:
    company = world.organization("会社")
    written = in_days(value) if isinstance(value, int) else value
    assert noticed(world, company, **{field: written}).status_code == 422
    assert hearings.of(company.organization_id) == []


def test_each_step_is_for_whom_it_is_for(world: Any) -> None:
    company, other = world.organization("会社"), world.organization("他社")
    assert company.browser.get(path_of(company) + "/hearing").status_code in (403, 404)
    assert other.browser.get("/desk/hearing").status_code == 404
    noticed(world, company)
    assert noticed(world, company).status_code == 422  # one at a time
    assert world.colleague(company, "viewer").browser.get("/desk/hearing").status_code == 403
    direct = world.admin.fill(path_of(company) + "/hearing", path_of(company) + "/suspend", reason="理由")
    assert direct.status_code == 422 and state_of(company) == "verified"
    newcomer = world.organization("新参", verified=False)
    assert noticed(world, newcomer).status_code == 422
    assert decides(world, other, "none").status_code == 404


def test_the_days_are_counted_in_japan() -> None:
    found = Hearing(answer_by=date(2026, 12, 9), decision=None, answered_at=None)
    assert [found.may_be_decided(date(2026, 12, day)) for day in (9, 10)] == [False, True]
