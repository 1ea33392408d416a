"""Members of an organization: invited, changed, removed; its data and account."""

from __future__ import annotations

from typing import Any

import pytest

from exchange import database
from exchange.identity import queries
from tests.identity.people import is_signed_in, letters, link_for, send, sign_in, words
from tests.world import PASSWORD

INVITATION = {"email": "keiri@mihon.example", "name": "経理 次郎", "department": "経理課", "roles": ["accountant"]}
ACCOUNT = {
    "bank_code": "0001",
    "bank_name": "みほん銀行",
    "branch_code": "001",
    "branch_name": "本店",
    "account_type": "ordinary",
    "account_number": "1234567",
    "account_holder_kana": "カ)ミホン",
}


def test_an_owner_invites_and_the_invited_comes_in(world: Any) -> None:
    owner, newcomer = world.organization("会社"), world.app.test_client()
    assert send(owner.browser, "/desk/organization/members/invite", **INVITATION).status_code == 303
    assert "招待中" in owner.see("/desk/organization")

    path = link_for("keiri@mihon.example", "welcome")
    assert send(newcomer, path, name="経理 次郎", password="a very long password").status_code == 422
    answer = send(newcomer, path, name="経理 次郎", password="a very long password", accept_terms="y")
    assert answer.status_code == 303 and is_signed_in(newcomer)
    member = queries.member_by_email("keiri@mihon.example")
    assert member is not None and member.roles == ["accountant"] and not member.may_bind
    assert member.organization_id == owner.organization_id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"email": "no address"}, "name@example.jp"),
        ({"roles": []}, "役割を1つ以上"),
        ({"roles": ["approver"]}, "役割"),
        ({"name": ""}, "お名前"),
        ({"name": "名" * 101}, "お名前を100文字以内"),
    ],
)
def test_an_invitation_that_cannot_be(world: Any, change: dict[str, Any], said: str) -> None:
    owner = world.organization("会社")
    answer = send(owner.browser, "/desk/organization/members/invite", **{**INVITATION, **change})

    assert answer.status_code == 422 and said in words(answer)


@pytest.mark.parametrize("role", ["data_officer", "accountant", "viewer"])
@pytest.mark.parametrize("path", ["members/invite", "edit"])
def test_only_owners_manage(world: Any, role: str, path: str) -> None:
    colleague = world.colleague(world.organization("会社"), role)

    assert colleague.browser.get(f"/desk/organization/{path}").status_code == 403
    assert "メンバーを招待する" not in colleague.see("/desk/organization")


def test_nobody_sees_members_of_others(world: Any) -> None:
    owner, stranger = world.organization("会社"), world.organization("よそ")

    assert owner.browser.get(f"/desk/organization/members/{stranger.id}").status_code == 404
    assert owner.browser.get("/desk/organization/members/made-up").status_code == 404


def test_roles_change_and_are_felt_at_once(world: Any) -> None:
    owner = world.organization("会社")
    colleague = world.colleague(owner, "viewer")
    path = f"/desk/organization/members/{colleague.id}"

    assert (
        send(owner.browser, path, roles=["owner", "accountant"], may_bind="y", department="総務課").status_code == 303
    )
    assert colleague.get("/me").json["roles"] == ["owner", "accountant"]
    assert colleague.member.may_bind


def test_the_last_owner_stays(world: Any) -> None:
    owner = world.organization("会社")
    path = f"/desk/organization/members/{owner.id}"

    changed = send(owner.browser, path, roles=["viewer"])
    removed = send(owner.browser, path + "/remove")

    assert (changed.status_code, removed.status_code) == (422, 422)
    assert "1人もいなくなる" in words(changed) and "1人もいなくなる" in words(removed)
    assert owner.member.roles == ["owner"]


def test_a_removed_member_is_out_at_once_session_and_token(world: Any) -> None:
    owner = world.organization("会社")
    colleague = world.colleague(owner, "owner")
    browser, _ = colleague.browser, colleague.token

    assert send(owner.browser, f"/desk/organization/members/{colleague.id}/remove").status_code == 303
    assert not is_signed_in(browser)
    assert colleague.get("/me").status_code == 401
    assert sign_in(world.app.test_client(), colleague.email, PASSWORD).status_code == 422
    owner.see("/desk/organization")  # says once whom it removed
    assert colleague.name not in owner.see("/desk/organization")


def test_an_invitation_is_sent_again(world: Any) -> None:
    owner = world.organization("会社")
    send(owner.browser, "/desk/organization/members/invite", **INVITATION)
    member = queries.member_by_email("keiri@mihon.example")
    assert member is not None
    owner.fill("/desk/organization", f"/desk/organization/members/{member.id}/invite")

    assert len(letters("keiri@mihon.example")) == 2


def test_a_new_registration_number_must_be_looked_up_again(world: Any) -> None:
    owner = world.organization("会社", registered=False)
    number = owner.member.organization.corporate_number
    fields = {"address": "新住所", "representative": "代表"}
    path = "/desk/organization/edit"

    assert send(owner.browser, path, **fields, registration_number="T1").status_code == 422
    assert send(owner.browser, path, **fields, registration_number=f"T{number}").status_code == 303
    assert owner.member.organization.registration_number == f"T{number}"
    page = world.admin.see(f"/desk/organizations/{owner.organization_id}")
    assert "登録年月日を記録してください" in page


def test_an_operator_for_the_system_invites_another(world: Any) -> None:
    fields = {**INVITATION, "email": "shinsa@operator.example", "roles": ["approver"]}
    assert send(world.admin.browser, "/desk/organization/members/invite", **fields).status_code == 303

    newcomer = world.app.test_client()
    path = link_for("shinsa@operator.example", "welcome")
    answer = send(newcomer, path, name="審査 三郎", password="a very long password")
    assert answer.location == "/sign-in/second-factor/set-up"


def test_an_address_is_one_member_s(world: Any) -> None:
    owner, other = world.organization("会社"), world.organization("よそ")
    answer = send(owner.browser, "/desk/organization/members/invite", **{**INVITATION, "email": other.email.upper()})

    assert answer.status_code == 422
    with database.transaction():
        found = queries.member_by_email(other.email)
        assert found is not None and found.organization_id == other.organization_id
