"""An organization signs up, confirms its address, and is verified."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from exchange.database import session
from exchange.identity import queries
from exchange.identity.models import Member, Organization
from tests.identity.people import CITY, COMPANY, is_signed_in, letters, link_for, send, sign_in, words


def test_a_company_signs_up_confirms_and_is_verified(client: Any, world: Any) -> None:
    answer = send(client, "/sign-up", **COMPANY)
    assert answer.status_code == 200 and "確認のメールを送りました" in words(answer)

    assert sign_in(client, COMPANY["email"], COMPANY["password"]).status_code == 422
    assert send(client, link_for(COMPANY["email"], "confirm")).status_code == 303
    assert sign_in(client, COMPANY["email"], COMPANY["password"]).status_code == 303
    assert "運営者が組織を確認しています" in words(client.get("/desk"))

    member = queries.member_by_email(COMPANY["email"])
    assert member is not None and member.roles == ["owner"] and member.may_bind
    assert set(member.terms_accepted) == {"providers", "users", "privacy"}
    page = f"/desk/organizations/{member.organization_id}"
    assert "みほん工業株式会社" in world.admin.see("/desk/organizations?state=pending")
    assert world.admin.fill(page, page + "/verify").status_code == 303
    session.remove()
    assert queries.organization(member.organization_id).state == "verified"


def test_a_municipality_signs_up_with_both_its_numbers(client: Any, db: Any) -> None:
    assert send(client, "/sign-up", **CITY).status_code == 200

    found = session.scalars(select(Organization).where(Organization.kind == "municipality")).one()
    assert (found.corporate_number, found.municipality_code) == ("8000020131032", "131032")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("corporate_number", "3000020131032", "検査数字"),
        ("corporate_number", "8000020131032", "地方公共団体のものです"),
        ("corporate_number", "", "法人番号を13桁"),
        ("registration_number", "T8000020131032", "T と法人番号"),
        ("kind", "", "組織の種類を選んでください"),
        ("kind", "operator", "組織の種類を選んでください"),
        ("name", "", "組織の名称"),
        ("name", "名" * 201, "組織の名称を200文字以内"),
        ("email", "hanako", "name@example.jp"),
        ("password", "short", "10文字以上"),
        ("accept_terms", None, "同意してください"),
        ("person_name", "", "お名前"),
        ("name", "みほん\0工業", "使えない文字"),
    ],
)
def test_what_cannot_be_taken_is_said_beside_the_field_and_kept(
    client: Any, db: Any, field: str, value: str | None, said: str
) -> None:
    fields = {k: v for k, v in {**COMPANY, field: value}.items() if v is not None}
    answer = send(client, "/sign-up", **fields)

    assert answer.status_code == 422
    page = words(answer)
    assert said in page and "東京都千代田区1-1" in page and COMPANY["password"] not in page
    assert session.scalar(select(func.count()).select_from(Organization)) == 0


def test_every_mistake_is_told_at_once(client: Any, db: Any) -> None:
    page = words(send(client, "/sign-up", kind="municipality", corporate_number="1", municipality_code="2"))

    for said in ("1文字です", "6桁の数字", "組織の名称", "所在地", "お名前", "メールアドレス", "パスワード", "同意"):
        assert said in page


def test_nobody_learns_from_sign_up_whether_an_address_is_known(client: Any, world: Any) -> None:
    known = world.organization("既知")
    fresh = words(send(client, "/sign-up", **{**COMPANY, "email": "new@mihon.example"}))
    twin = {**COMPANY, "corporate_number": "4011005007414", "email": known.email}
    seen = words(send(client, "/sign-up", **twin))

    assert seen == fresh.replace("new@mihon.example", known.email)
    assert "すでに登録されて" in letters(known.email)[0].body


def test_an_unconfirmed_sign_up_gives_way_with_its_password(client: Any, db: Any) -> None:
    send(client, "/sign-up", **{**COMPANY, "password": "the first password"})
    first = link_for(COMPANY["email"], "confirm")
    send(client, "/sign-up", **{**COMPANY, "password": "the second password"})

    assert client.get(first).status_code == 410
    send(client, link_for(COMPANY["email"], "confirm"))
    assert sign_in(client, COMPANY["email"], "the first password").status_code == 422
    assert sign_in(client, COMPANY["email"], "the second password").status_code == 303


def test_a_number_that_is_verified_is_not_taken_again(client: Any, world: Any) -> None:
    other = world.organization("既存")
    number = other.member.organization.corporate_number
    answer = send(client, "/sign-up", **{**COMPANY, "corporate_number": number})

    assert answer.status_code == 422 and "登録済みです" in words(answer)


def test_a_link_confirms_once_and_only_by_its_button(client: Any, db: Any) -> None:
    send(client, "/sign-up", **COMPANY)
    path = link_for(COMPANY["email"], "confirm")
    client.get(path)
    assert session.scalars(select(Member)).one().confirmed_at is None
    send(client, path)

    assert client.get(path).status_code == 410
    assert client.get("/confirm/made-up").status_code == 410


def test_script_in_every_field_stays_text(client: Any, world: Any) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    fields = {**COMPANY, "name": evil, "address": evil, "representative": evil, "person_name": evil, "department": evil}
    assert send(client, "/sign-up", **fields).status_code == 200
    send(client, link_for(COMPANY["email"], "confirm"))
    sign_in(client, COMPANY["email"], COMPANY["password"])

    organization_id = session.scalars(select(Organization).where(Organization.name == evil)).one().id
    for page in (
        words(client.get("/desk")),
        words(client.get("/desk/organization")),
        world.admin.see(f"/desk/organizations/{organization_id}"),
        world.admin.see("/desk"),
    ):
        assert "<script>alert" not in page and "<img src=x" not in page
    assert is_signed_in(client)
