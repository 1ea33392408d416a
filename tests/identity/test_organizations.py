"""Administrators verify and suspend organizations."""

from __future__ import annotations

from datetime import date
from typing import Any

from exchange.database import session
from exchange.identity import queries
from tests.identity.people import COMPANY, letters, link_for, send, words


def path_of(person: Any) -> str:
    return f"/desk/organizations/{person.organization_id}"


def state_of(person: Any) -> str:
    session.remove()
    return queries.organization(person.organization_id).state


def test_an_administrator_verifies_with_what_the_register_says(world: Any) -> None:
    newcomer = world.organization("新参", verified=False)
    page = path_of(newcomer)

    answer = world.admin.fill(page, page + "/verify", registration_valid_from="2023-10-01")

    assert answer.status_code == 303 and state_of(newcomer) == "verified"
    assert queries.organization(newcomer.organization_id).registration_valid_from == date(2023, 10, 1)
    assert "確認が完了しました" in letters(newcomer.email)[0].subject
    assert "組織の確認が完了しました" in newcomer.see("/desk/notices")


def test_verifying_twice_is_refused_in_words(world: Any) -> None:
    company = world.organization("会社")
    answer = world.admin.fill(path_of(company), path_of(company) + "/verify")

    assert answer.status_code == 422 and "確認済みです" in words(answer)


def test_who_was_never_verified_is_turned_away_with_a_reason(world: Any) -> None:
    company = world.organization("会社", verified=False)
    page = path_of(company)

    assert world.admin.fill(page, page + "/suspend", reason="").status_code == 422
    assert world.admin.fill(page, page + "/suspend", reason="法人の実在を確かめられません").status_code == 303
    assert state_of(company) == "suspended"
    assert "実在を確かめられません" in letters(company.email)[0].body
    assert "利用は停止されています" in company.see("/desk")
    assert world.admin.fill(page, page + "/verify").status_code == 303
    assert state_of(company) == "verified"


def test_the_second_of_two_with_one_number_is_not_verified(client: Any, world: Any) -> None:
    send(client, "/sign-up", **COMPANY)
    send(client, link_for(COMPANY["email"], "confirm"))
    send(client, "/sign-up", **{**COMPANY, "email": "second@mihon.example"})
    send(client, link_for("second@mihon.example", "confirm"))
    first, second = (queries.member_by_email(e) for e in (COMPANY["email"], "second@mihon.example"))
    assert first is not None and second is not None
    assert world.admin.fill(path_of(first), path_of(first) + "/verify").status_code == 303

    answer = world.admin.fill(path_of(second), path_of(second) + "/verify")
    assert answer.status_code == 422 and "同じ番号で登録済み" in words(answer)


def test_sign_ups_nobody_confirmed_are_not_shown(client: Any, world: Any) -> None:
    send(client, "/sign-up", **COMPANY)

    assert COMPANY["name"] not in world.admin.see("/desk/organizations")


def test_organizations_are_found_by_name_and_number(world: Any) -> None:
    company = world.organization("ひまわり商事")
    world.organization("100%_会社")
    number = company.member.organization.corporate_number

    assert "ひまわり商事" in world.admin.see(f"/desk/organizations?q={number}")
    assert "ひまわり商事" not in world.admin.see("/desk/organizations?q=%25_")
    assert "該当する組織はありません" in world.admin.see("/desk/organizations?q=存在しない")


def test_members_do_not_get_to_the_administrators_pages(world: Any) -> None:
    company = world.organization("会社")
    for page in (
        "organizations",
        "operations",
        "settings",
        "audit",
        "inquiries",
        f"organizations/{company.organization_id}",
    ):
        assert company.browser.get(f"/desk/{page}").status_code == 403, page


def test_the_desk_shows_who_verifies_what_waits(world: Any) -> None:
    world.organization("新参", verified=False)

    assert "組織の確認" in world.admin.see("/desk")
    assert "組織の確認" not in world.organization("会社").see("/desk")


def test_a_made_up_cursor_is_said_to_be_one(world: Any) -> None:
    for page in ("organizations", "audit", "inquiries", "notices"):
        assert world.admin.browser.get(f"/desk/{page}?cursor=zzz").status_code == 422, page
