"""Accounts for payouts: one enters, another confirms; nobody turns an organization's money away alone."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.database import session
from exchange.identity import accounts, bank_accounts, queries
from exchange.identity.models import Member
from tests.identity.people import letters, send, words
from tests.world import PASSWORD

ACCOUNT = {
    "bank_code": "0001",
    "bank_name": "みほん銀行",
    "branch_code": "001",
    "branch_name": "本店",
    "account_type": "ordinary",
    "account_number": "1234567",
    "account_holder_kana": "カ)ミホン",
}
ENTER = "/desk/organization/bank-account"
CONFIRM = ENTER + "/confirm"


def kept(person: Any) -> dict[str, Any] | None:
    session.remove()
    return queries.organization(person.organization_id).bank_account


def enters(person: Any, **changed: str) -> Any:
    return send(person.browser, ENTER, **{**ACCOUNT, "password": PASSWORD, **changed})


def test_an_account_entered_by_one_is_in_force_once_another_confirmed_it(world: Any) -> None:
    owner = world.organization("会社")
    accountant = world.colleague(owner, "accountant")
    assert enters(accountant).status_code == 303
    assert kept(owner) is None and "別の人の確認を待っています" in owner.see("/desk/organization")
    assert len(accounts.waiting_for(owner.member)) == 1 and accounts.waiting_for(accountant.member) == []
    assert CONFIRM in owner.see("/desk")
    assert "確認をお願いします" in letters(owner.email)[0].subject

    alone = send(accountant.browser, CONFIRM, password=PASSWORD)
    assert alone.status_code == 403 and kept(owner) is None
    assert send(owner.browser, CONFIRM, password="wrong").status_code == 422
    assert send(owner.browser, CONFIRM, password=PASSWORD).status_code == 303
    account = kept(owner)
    assert account is not None and account["account_holder_kana"] == "ｶ)ﾐﾎﾝ"
    assert any("振込先の口座が変更されました" in letter.subject for letter in letters(accountant.email))
    assert "1234567" not in owner.see("/desk/organization")
    assert owner.browser.get(CONFIRM).status_code == 404


def test_an_account_needs_the_password_and_its_digits(world: Any) -> None:
    owner = world.organization("会社")
    assert enters(owner, password="wrong").status_code == 422
    refused = words(enters(owner, bank_code="1", branch_code="22", account_number="12345", account_holder_kana="漢字"))
    for said in ("金融機関コードは4桁", "支店コードは3桁", "口座番号は7桁", "口座名義はカタカナ"):
        assert said in refused


@pytest.mark.parametrize(
    "abroad",
    [{"account_number": "GB33BUKB20201555555555"}, {"bank_code": "BUKBGB22XXX"}],
)
def test_an_account_abroad_is_refused_by_this_exchange_s_own_rule(world: Any, abroad: dict[str, str]) -> None:
    said = words(enters(world.organization("会社"), **abroad))
    assert "国内の支払人と受取人" in said and "この取引市場の規則" in said


def test_an_administrator_for_finance_confirms_where_nobody_else_can(world: Any) -> None:
    owner, admin = world.organization("一人会社"), world.admin
    assert enters(owner).status_code == 303
    assert "運営者の確認を待っています" in owner.see(CONFIRM)
    path = f"/desk/organizations/{owner.organization_id}/bank-account"
    assert "振込先の口座の確認" in admin.see("/desk")
    assert send(admin.browser, path, password=PASSWORD, checked="").status_code == 422
    assert send(admin.browser, path, password=PASSWORD, checked="代表番号に電話して確かめた").status_code == 303
    assert kept(owner)


def test_an_administrator_does_not_confirm_where_a_colleague_can(world: Any) -> None:
    owner = world.organization("会社")
    world.colleague(owner, "accountant")
    enters(owner)
    path = f"/desk/organizations/{owner.organization_id}/bank-account"
    assert "別の責任者か経理担当が確認します" in world.admin.see(path)
    answer = world.admin.fill("/desk", path, password=PASSWORD, checked="電話した")
    assert answer.status_code == 403 and kept(owner) is None


def test_a_wrong_entry_is_withdrawn_or_replaced(world: Any) -> None:
    owner = world.organization("会社")
    accountant = world.colleague(owner, "accountant")
    enters(accountant)
    enters(accountant, account_number="7654321")
    assert owner.fill(CONFIRM, ENTER + "/withdraw").status_code == 303
    assert owner.browser.get(CONFIRM).status_code == 404 and kept(owner) is None


def test_only_owners_and_accountants_enter_and_confirm(world: Any) -> None:
    owner = world.organization("会社")
    enters(owner)
    for role in ("data_officer", "viewer"):
        other = world.colleague(owner, role)
        assert {other.browser.get(path).status_code for path in (ENTER, CONFIRM)} == {403}
    assert world.organization("よそ").browser.get(CONFIRM).status_code == 404


def test_an_organization_records_the_names_it_pays_under(world: Any) -> None:
    owner = world.organization("地図製作株式会社")
    path = "/desk/organization/payer-names"
    assert send(owner.browser, path, payer_names="漢字の名義").status_code == 422
    assert send(owner.browser, path, payer_names="\n".join(f"ナマエ{n}" for n in range(6))).status_code == 422
    assert send(owner.browser, path, payer_names="カ）チズセイサク\n\nチズ セイサク").status_code == 303
    session.remove()
    found = session.get(Member, owner.id)
    assert found is not None and found.organization.payer_names == ["ｶ)ﾁｽﾞｾｲｻｸ", "ﾁｽﾞ ｾｲｻｸ"]
    assert bank_accounts.is_transfer_text(found.organization.payer_names[0])
