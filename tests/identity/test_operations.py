"""Letters to the exchange, settings, operations, audit and metrics."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange import clock, database, jobs, settings
from exchange.database import session
from exchange.errors import DomainError
from exchange.identity import inquiries, terms
from exchange.identity.inquiries import Inquiry
from exchange.web import inquiries as inquiry_pages
from exchange.web import legal
from tests.identity.people import letters, send, words

TEXTS = Path(__file__).resolve().parents[2] / "templates" / "legal"
LETTER = {
    "kind": "complaint",
    "name": "市民 太郎",
    "email": "taro@shimin.example",
    "body": "掲載されている内容に誤りがあります。",
    "about": "/listings/abc",
}
SETTINGS: dict[str, Any] = {
    "operator_name": "みほん取引市場",
    "contact_email": "help@operator.example",
    "fee_company": "8",
    "fee_municipality": "0",
    "fee_npo": "5",
    "fee_university": "5",
    "due_days": "45",
    "grace_days": "10",
    "keep_years": "10",
    "fiscal_year_end_month": "3",
    "approval_days": "3",
}


# --- letters --------------------------------------------------------------------------------------------------


def test_anyone_writes_and_is_answered(client: Any, world: Any) -> None:
    admin = world.admin
    page = words(send(client, "/contact", **LETTER))
    session.remove()
    inquiry = session.scalars(select(Inquiry)).one()
    assert inquiry.reference in page and inquiry.reference in letters(LETTER["email"])[0].subject
    assert inquiry.reference in admin.see("/desk/inquiries") and "お問い合わせへの回答" in admin.see("/desk")

    path = f"/desk/inquiries/{inquiry.id}"
    assert admin.fill(path, path + "/investigate").status_code == 303
    assert admin.fill(path, answer="確認して訂正しました。").status_code == 303
    assert letters(LETTER["email"])[0].body == "確認して訂正しました。"
    assert admin.fill(path, path + "/close").status_code == 303
    session.remove()
    assert session.scalars(select(Inquiry)).one().state == "closed"
    assert admin.browser.post(path + "/close").status_code == 400  # no form token
    assert admin.fill("/desk/settings", path + "/close").status_code == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", ""), ("kind", "spam"), ("name", ""), ("email", "x"), ("body", "短い"), ("body", "長" * 5001)],
)
def test_a_letter_that_cannot_be_taken_stays_in_the_form(client: Any, db: Any, field: str, value: str) -> None:
    answer = send(client, "/contact", **{**LETTER, field: value})

    assert answer.status_code == 422 and "/listings/abc" in words(answer)
    assert session.scalars(select(Inquiry)).all() == []


def received(days: float, **changes: Any) -> Inquiry:
    """A letter that came so many days ago."""
    with database.transaction():
        at = clock.now() - timedelta(days=days)
        return inquiries.receive(inquiries.Letter(**{**LETTER, **changes}), by=None, at=at)


def test_the_promised_days_stand_on_the_desk_and_what_is_late_comes_first(world: Any) -> None:
    late, unbegun = received(15).reference, received(9).reference
    question, young = received(9, kind="question").reference, received(0).reference
    page = world.admin.see("/desk/inquiries")
    places = [page.index(reference) for reference in (late, unbegun, question, young)]
    assert places == sorted(places)
    rows = {
        ref: page[place : page.index("</tr>", place)]
        for ref, place in zip((late, unbegun, question, young), places, strict=True)
    }
    assert "期限超過" in rows[late] and "調査の開始が遅れています" in rows[unbegun]
    assert not any(word in rows[ref] for ref in (question, young) for word in ("期限超過", "遅れています"))
    desk = world.admin.see("/desk")
    assert desk.index("約束の期限を過ぎた") < desk.index("お問い合わせへの回答") and "2件" in desk

    path = page[: page.index(unbegun)].rpartition('href="')[2].partition('"')[0]
    assert "約束の期限を過ぎています" in world.admin.see(path)
    assert world.admin.fill(path, path + "/investigate").status_code == 303
    assert "約束の期限を過ぎています" not in world.admin.see(path)  # looked into, and not yet due


def test_a_complaint_is_looked_into_within_three_business_days_and_answered_within_fourteen() -> None:
    friday = datetime(2026, 11, 20, 23, 30, tzinfo=clock.JST)
    inquiry = Inquiry(kind="complaint", state="received", received_at=friday)
    assert (inquiry.begin_by, inquiry.answer_by) == (date(2026, 11, 26), date(2026, 12, 4))  # 23 November is a holiday
    assert [inquiry.is_late(date(2026, 11, day)) for day in (26, 27)] == [False, True]
    inquiry.state = "investigating"
    assert [inquiry.is_late(date(2026, 12, day)) for day in (4, 5)] == [False, True]
    inquiry.state = "answered"
    assert not inquiry.is_late(date(2027, 1, 1))


def test_letters_are_limited(client: Any, db: Any) -> None:
    for _ in range(inquiry_pages.LETTERS_PER_HOUR):
        assert send(client, "/contact", **LETTER).status_code == 200

    refused = send(client, "/contact", **LETTER)
    assert refused.status_code == 429 and refused.headers["Retry-After"]


# --- settings -------------------------------------------------------------------------------------------------


def test_settings_are_saved_and_in_force(world: Any) -> None:
    assert send(world.admin.browser, "/desk/settings", **SETTINGS).status_code == 303
    session.remove()
    now = settings.current()

    assert (now.operator_name, now.due_days, now.fee_percent["company"]) == ("みほん取引市場", 45, 8)
    assert now.bank_account == {} and now.operator_registration_number is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("operator_name", ""),
        ("fee_company", "51"),
        ("fee_company", "-1"),
        ("fee_company", "1.5"),
        ("due_days", "0"),
        ("operator_registration_number", "1234"),
        ("bank_code", "12"),
        ("consignor_code", "123"),
        ("contact_email", "help"),
    ],
)
def test_settings_that_cannot_be(world: Any, field: str, value: str) -> None:
    before = settings.current()
    assert send(world.admin.browser, "/desk/settings", **{**SETTINGS, field: value}).status_code == 422
    session.remove()
    assert settings.current() == before


# --- operations, audit, metrics -------------------------------------------------------------------------------


def test_operations_show_jobs_queues_and_what_was_given_up(world: Any) -> None:
    world.tick("seal-audit-log")
    with database.transaction():
        jobs.enqueue("run-job", {"name": "seal-audit-log"}, at=clock.now())
        task = session.scalars(select(jobs.Task)).one()
        task.failed_at, task.last_error, task_id = clock.now(), "ValueError: <b>", task.id
    page = world.admin.see("/desk/operations")

    assert "seal-audit-log" in page and "監査記録の封印" in page and "ValueError: &lt;b&gt;" in page
    assert world.admin.fill("/desk/operations", f"/desk/operations/tasks/{task_id}/retry").status_code == 303
    world.work()
    assert jobs.waiting_count() == 0


def test_an_administrator_has_a_job_run(world: Any) -> None:
    path = "/desk/operations/jobs/seal-audit-log/run"
    assert world.admin.fill("/desk/operations", path).status_code == 303
    assert jobs.waiting_count() == 1
    assert world.admin.fill("/desk/operations", "/desk/operations/jobs/no-such-job/run").status_code == 404


def test_the_audit_log_is_filtered_and_checked(world: Any) -> None:
    company = world.organization("会社")
    company.browser  # noqa: B018 (signs in, which is audited)
    world.tick("seal-audit-log")
    admin = world.admin

    page = admin.see(f"/desk/audit?deed=member.sign_in&email={company.email}")
    assert "member.sign_in" in page and company.name in page
    assert "該当する記録はありません" in admin.see("/desk/audit?email=nobody@nowhere.example")
    assert admin.fill("/desk/audit", "/desk/audit/verify").status_code == 303
    assert "欠けや改変はありません" in admin.see("/desk/audit")


def test_metrics_need_a_token_of_those_who_run_the_system(client: Any, world: Any) -> None:
    def asked(token: str) -> Any:
        session.remove()
        return client.get("/metrics", headers={"Authorization": f"Bearer {token}"})

    assert client.get("/metrics").status_code in (303, 401)
    assert asked("wrong").status_code in (303, 401)
    assert asked(world.organization("会社").token).status_code == 403
    text = asked(world.admin.token).get_data(as_text=True)
    assert "exchange_tasks_waiting 0.0" in text and "exchange_requests_total" in text
    assert 'exchange_job_failures{job="seal-audit-log"}' in text


# --- public texts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/terms/providers", "/terms/users", "/privacy", "/contact", "/problems"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_public_texts_open_in_both_languages(client: Any, db: Any, path: str, language: str) -> None:
    answer = client.get(f"{path}?lang={language}")

    assert answer.status_code == 200
    page = words(answer)
    assert page.count("<h1>") == 1 and f'<html lang="{language}">' in page


def test_every_version_ever_published_is_there_in_both_languages(app: Any) -> None:
    for key, text in terms.IN_FORCE.items():
        numbers = [n for n in range(1, text.version + 1) if not legal.is_written(key, n)]
        files = {f"{n}.{language}.html" for n in numbers for language in ("ja", "en")}
        assert files == {path.name for path in (TEXTS / key).iterdir()}


def test_a_published_version_stays_readable_and_others_do_not_exist(client: Any, db: Any) -> None:
    assert client.get("/terms/providers/versions/1").status_code == 200
    for path in ("/terms/providers/versions/3", "/terms/providers/versions/0", "/terms/nothing/versions/1"):
        assert client.get(path).status_code == 404


def test_every_refusal_has_its_page(client: Any, db: Any) -> None:
    def named(kind: type[DomainError]) -> list[str]:
        return [kind.slug(), *(name for child in kind.__subclasses__() for name in named(child))]

    for name in named(DomainError):
        assert client.get(f"/problems/{name}").status_code == 200, name
    assert client.get("/problems/no-such-problem").status_code == 404


@pytest.mark.parametrize("role", ["owner", "data_officer", "accountant", "viewer", "approver", "finance", "system"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_desk_opens_for_every_role(world: Any, role: str, language: str) -> None:
    if role in ("approver", "finance", "system"):
        person = world.colleague(world.admin, role)
    else:
        person = world.organization("会社", roles=(role,))
    for path in ("/desk", "/desk/notices", "/desk/account", "/desk/tokens", "/desk/organization", "/desk/terms"):
        answer = person.browser.get(f"{path}?lang={language}")
        assert answer.status_code == 200, path
        assert words(answer).count("<h1>") == 1
        session.remove()
