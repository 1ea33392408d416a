"""What is true of organizations and people: check digits, roles, who may. Pure.

Sources: 法人番号 check digit, 法人番号の指定等に関する省令 第2条; 全国地方公共団体コード, 総務省 検査数字の算出方法;
a municipality's 法人番号 is a check digit, `000020` and its six-digit code.
"""

import re
import unicodedata
from typing import Protocol

from exchange.errors import N_, Words, text

KINDS = ("company", "municipality", "npo", "university", "operator")
MEMBER_ROLES = ("owner", "data_officer", "accountant", "viewer")
OPERATOR_ROLES = ("approver", "finance", "system")
KIND_TITLES = {
    "company": N_("企業"),
    "municipality": N_("自治体"),
    "npo": N_("NPO・公益法人"),
    "university": N_("大学・研究機関"),
    "operator": N_("運営者"),
}
ROLE_TITLES = {
    "owner": N_("責任者"),
    "data_officer": N_("データ担当"),
    "accountant": N_("経理担当"),
    "viewer": N_("閲覧のみ"),
    "approver": N_("審査担当"),
    "finance": N_("精算担当"),
    "system": N_("システム担当"),
}


class Roles(Protocol):
    """Whoever holds roles."""

    roles: list[str]
    may_bind: bool


def corporate_check_digit(twelve: str) -> int:
    """The first digit of a 法人番号, from the twelve that follow it."""
    total = sum(int(digit) * (1 if n % 2 else 2) for n, digit in enumerate(reversed(twelve), start=1))
    return 9 - total % 9


def is_corporate_number(number: str) -> bool:
    """Thirteen ASCII digits of which the first is the check digit of the rest."""
    return bool(re.fullmatch(r"[0-9]{13}", number)) and int(number[0]) == corporate_check_digit(number[1:])


def is_registration_number(number: str) -> bool:
    """`T` and thirteen digits; a sole trader's digits are no 法人番号, so their check digit is not asked for."""
    return bool(re.fullmatch(r"T[0-9]{13}", number))


def is_municipality_code(code: str) -> bool:
    """Six digits, a prefecture from 01 to 47, and the right last digit."""
    if not re.fullmatch(r"[0-9]{6}", code) or not 1 <= int(code[:2]) <= 47:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(code, (6, 5, 4, 3, 2), strict=False))
    return int(code[5]) == (11 - total % 11 if total >= 11 else 11 - total) % 10


def municipality_corporate_number(code: str) -> str:
    """The 法人番号 that belongs to a six-digit 全国地方公共団体コード."""
    twelve = "000020" + code
    return f"{corporate_check_digit(twelve)}{twelve}"


def is_municipal_number(corporate_number: str) -> bool:
    """Whether a 法人番号 is one of those set aside for local governments."""
    return corporate_number[1:7] == "000020"


def has_role(member: Roles, *roles: str) -> bool:
    """Whether someone holds one of the roles; anyone does when none is asked for."""
    return not roles or bool(set(roles) & set(member.roles))


def may_bind(member: Roles) -> bool:
    """Whether someone may conclude contracts for the organization (契約権者)."""
    return member.may_bind


def may_manage_members(member: Roles) -> bool:
    """Owners look after members and the organization's data; at the operator, those who run the system."""
    return has_role(member, "owner", "system")


def may_set_bank_account(member: Roles) -> bool:
    """Owners and accountants say where money is paid out to."""
    return has_role(member, "owner", "accountant")


def may_list(member: Roles) -> bool:
    """Owners and data officers prepare listings."""
    return has_role(member, "owner", "data_officer")


EMAIL = re.compile(r"[^@\s,;<>\"'()\[\]\\]{1,64}@[^@\s,;<>\"'()\[\]\\.]+(\.[^@\s,;<>\"'()\[\]\\.]+)+")


def is_email(address: str) -> bool:
    """Whether an address has the shape of one that mail reaches: one @, a dotted host, nothing that breaks a header."""
    return len(address) <= 254 and address.isprintable() and bool(EMAIL.fullmatch(address))


GOVERNMENT_DOMAIN = re.compile(r"(.+\.)?lg\.jp|(.+\.)?(pref|city|town|vill|metro)\.[a-z.-]+\.jp")


def is_government_domain(domain: str) -> bool:
    """Whether a domain is one that local governments have: `*.lg.jp`, or `city.….jp` and its like."""
    return bool(GOVERNMENT_DOMAIN.fullmatch(domain.lower()))


def tidy_number(written: str) -> str:
    """A number as people write it (full-width digits, hyphens, spaces, small t), as it is kept."""
    return re.sub(r"[\s\u2010-\u2015\u2212-]", "", unicodedata.normalize("NFKC", written)).upper()


def number_errors(
    kind: str, *, corporate_number: str, municipality_code: str, registration_number: str
) -> dict[str, list[Words]]:
    """What is wrong with an organization's numbers, by field, in words that say what to do.

    A company and a municipality must have a 法人番号, others give theirs if they have one; only a municipality has a
    団体コード, and its 法人番号 follows from it; a corporation's registration number is `T` and its 法人番号.
    """
    errors = {
        "corporate_number": _corporate_number_errors(kind, corporate_number),
        "municipality_code": _municipality_code_errors(kind, municipality_code),
    }
    if kind == "municipality" and not any(errors.values()):
        errors["corporate_number"] = _cross_errors(corporate_number, municipality_code)
    errors["registration_number"] = _registration_errors(registration_number, corporate_number)
    return {field: [words] for field, words in errors.items() if words}


def _corporate_number_errors(kind: str, number: str) -> Words | None:
    if not number:
        needed = kind in ("company", "municipality")
        return text(N_("法人番号を13桁の数字で入力してください。")) if needed else None
    if not re.fullmatch(r"[0-9]{13}", number):
        return text(N_("法人番号は13桁の数字で入力してください(入力は%(length)s文字です)。"), length=len(number))
    if not is_corporate_number(number):
        return text(N_("法人番号の先頭の数字(検査数字)が、残りの12桁と合いません。番号をもう一度お確かめください。"))
    if kind != "municipality" and is_municipal_number(number):
        return text(
            N_(
                "この法人番号は地方公共団体のものです。自治体として登録するときは、組織の種類で「自治体」を選んでください。"
                "それ以外の組織は、自組織の法人番号を入力してください。"
            )
        )
    if kind == "municipality" and not is_municipal_number(number):
        return text(
            N_("この法人番号は地方公共団体のものではありません。自治体の法人番号は2桁目から「000020」と続きます。")
        )
    return None


def _municipality_code_errors(kind: str, code: str) -> Words | None:
    if kind != "municipality":
        return text(N_("全国地方公共団体コードは自治体だけが入力します。空欄にしてください。")) if code else None
    if not re.fullmatch(r"[0-9]{6}", code):
        return text(N_("全国地方公共団体コードを6桁の数字(検査数字を含む)で入力してください。"))
    if not is_municipality_code(code):
        return text(
            N_("全国地方公共団体コードの最後の数字(検査数字)が、前の5桁と合いません。番号をもう一度お確かめください。")
        )
    return None


def _cross_errors(corporate_number: str, code: str) -> Words | None:
    expected = municipality_corporate_number(code)
    if corporate_number == expected:
        return None
    return text(
        N_("法人番号と全国地方公共団体コードが一致しません。団体コード %(code)s の法人番号は %(expected)s です。"),
        code=code,
        expected=expected,
    )


def _registration_errors(number: str, corporate_number: str) -> Words | None:
    if not number:
        return None
    if not is_registration_number(number):
        return text(N_("適格請求書発行事業者の登録番号は、T と13桁の数字で入力してください。"))
    if corporate_number and number != f"T{corporate_number}":
        return text(
            N_("法人の登録番号は、T と法人番号を続けたものです。法人番号と同じ13桁になっているかお確かめください。")
        )
    return None
