"""Check digits and what must hold between an organization's numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.identity import bank_accounts, rules


@pytest.mark.parametrize(
    "number",
    [
        "7000012050002",
        "2000012010019",
        "8000020130001",
        "1180301018771",
        "4011005007414",
        "8000020131032",
        "6000020271004",
    ],
)
def test_real_corporate_numbers_pass(number: str) -> None:
    assert rules.is_corporate_number(number)


@pytest.mark.parametrize(
    "number",
    ["3000020131032", "", "800002013103", "80000201310320", "８000020131032", "8000020131O32", "8000020131033"],
)
def test_anything_else_is_no_corporate_number(number: str) -> None:
    assert not rules.is_corporate_number(number)


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_noticed_unless_nine_and_nought(twelve: str, place: int, shift: int) -> None:
    number = f"{rules.corporate_check_digit(twelve)}{twelve}"
    other = str((int(number[place]) + shift) % 10)
    changed = number[:place] + other + number[place + 1 :]
    # Modulo nine cannot tell 0 from 9.
    if {number[place], other} != {"0", "9"}:
        assert not rules.is_corporate_number(changed)


@pytest.mark.parametrize(
    "code", ["011002", "010006", "431001", "131032", "130001", "131130", "401307", "221007", "473821"]
)
def test_real_municipality_codes_pass(code: str) -> None:
    assert rules.is_municipality_code(code)


@pytest.mark.parametrize("code", ["131033", "480002", "000000", "13103", "1310320", "13103２", ""])
def test_anything_else_is_no_municipality_code(code: str) -> None:
    assert not rules.is_municipality_code(code)


@pytest.mark.parametrize(
    ("code", "number"), [("130001", "8000020130001"), ("271004", "6000020271004"), ("131032", "8000020131032")]
)
def test_a_municipality_s_number_follows_from_its_code(code: str, number: str) -> None:
    assert rules.municipality_corporate_number(code) == number


COMPANY, CITY, CITY_CODE = "7000012050002", "8000020131032", "131032"


@pytest.mark.parametrize(
    ("kind", "corporate", "code", "registration", "fields"),
    [
        ("company", COMPANY, "", "", {}),
        ("company", COMPANY, "", f"T{COMPANY}", {}),
        ("company", "", "", "", {"corporate_number": "13桁の数字で入力"}),
        ("company", "123", "", "", {"corporate_number": "3文字"}),
        ("company", "3000020131032", "", "", {"corporate_number": "検査数字"}),
        ("company", CITY, "", "", {"corporate_number": "地方公共団体のもの"}),
        ("company", COMPANY, CITY_CODE, "", {"municipality_code": "自治体だけ"}),
        ("company", COMPANY, "", f"T{CITY}", {"registration_number": "T と法人番号"}),
        ("company", COMPANY, "", "T123", {"registration_number": "T と13桁"}),
        ("municipality", CITY, CITY_CODE, "", {}),
        ("municipality", CITY, CITY_CODE, f"T{CITY}", {}),
        ("municipality", "", CITY_CODE, "", {"corporate_number": "13桁の数字で入力"}),
        ("municipality", CITY, "", "", {"municipality_code": "6桁の数字"}),
        ("municipality", CITY, "131033", "", {"municipality_code": "検査数字"}),
        ("municipality", CITY, "130001", "", {"corporate_number": "8000020130001"}),
        ("municipality", COMPANY, CITY_CODE, "", {"corporate_number": "地方公共団体のものではありません"}),
        ("npo", "", "", "", {}),
        ("npo", "", "", "T1234567890123", {}),
        ("npo", CITY, "", "", {"corporate_number": "地方公共団体のもの"}),
        ("university", COMPANY, "", f"T{COMPANY}", {}),
        ("university", "1", "", "", {"corporate_number": "1文字"}),
    ],
)
def test_numbers_must_fit_the_kind_and_each_other(
    kind: str, corporate: str, code: str, registration: str, fields: dict[str, str]
) -> None:
    errors = rules.number_errors(
        kind, corporate_number=corporate, municipality_code=code, registration_number=registration
    )

    assert set(errors) == set(fields)
    for field, words in fields.items():
        assert words in str(errors[field][0])


@pytest.mark.parametrize(
    ("written", "kept"),
    [("８０００ ０２０-１３１０３２", "8000020131032"), ("ｔ8000020131032", "T8000020131032"), ("131‐032", "131032")],
)
def test_numbers_are_taken_as_people_write_them(written: str, kept: str) -> None:
    assert rules.tidy_number(written) == kept


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("a@example.jp", True),
        ("first.last+tag@sub.example.co.jp", True),
        ("a@b", False),
        ("a b@example.jp", False),
        ("a@example.jp\nBcc: b@example.jp", False),
        ("a@@example.jp", False),
        ("a@example..jp", False),
        ("a,b@example.jp", False),
        ("x" * 250 + "@example.jp", False),
        ("", False),
    ],
)
def test_mail_addresses(address: str, good: bool) -> None:
    assert rules.is_email(address) is good


@pytest.mark.parametrize(
    ("domain", "government"),
    [
        ("city.minato.lg.jp", True),
        ("city.minato.tokyo.jp", True),
        ("pref.aichi.jp", True),
        ("example.co.jp", False),
        ("fake-lg.jp", False),
        ("lg.jp.example.com", False),
    ],
)
def test_domains_of_local_governments(domain: str, government: bool) -> None:
    assert rules.is_government_domain(domain) is government


ACCOUNT = {
    "bank_code": "０００１",
    "bank_name": "みほん銀行",
    "branch_code": "001",
    "branch_name": "本店",
    "account_type": "ordinary",
    "account_number": "123-4567",
    "account_holder_kana": "カブシキガイシャ　ミホン",
}


def test_an_account_is_kept_as_transfers_write_it() -> None:
    kept = bank_accounts.tidy(ACCOUNT)

    assert bank_accounts.errors_in(kept) == {}
    assert (kept["bank_code"], kept["account_number"]) == ("0001", "1234567")
    assert kept["account_holder_kana"] == "ｶﾌﾞｼｷｶﾞｲｼﾔ ﾐﾎﾝ"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bank_code", "12"),
        ("branch_code", "12a"),
        ("account_number", "123"),
        ("account_type", "gold"),
        ("account_holder_kana", "株式会社みほん"),
        ("account_holder_kana", ""),
        ("account_holder_kana", "ア" * 31),
        ("bank_name", ""),
        ("branch_name", "x" * 41),
    ],
)
def test_an_account_no_transfer_could_reach_is_refused(field: str, value: str) -> None:
    assert list(bank_accounts.errors_in(bank_accounts.tidy({**ACCOUNT, field: value}))) == [field]


@pytest.mark.parametrize(
    ("written", "kept"),
    [("やまだ たろう", "ﾔﾏﾀﾞ ﾀﾛｳ"), ("ｶ)ﾃｽﾄ", "ｶ)ﾃｽﾄ"), ("パーク", "ﾊﾟ-ｸ"), ("abc Ltd.", "ABC LTD."), ("ヴォ", "ｳﾞｵ")],
)
def test_a_holder_s_name_as_transfers_write_it(written: str, kept: str) -> None:
    assert bank_accounts.holder_name(written) == kept
