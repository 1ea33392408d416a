"""What is true of organizations and people: check digits, roles, who may. Pure.

Sources: 法人番号 check digit, 法人番号の指定等に関する省令 第2条; 全国地方公共団体コード, 総務省 検査数字の算出方法;
a municipality's 法人番号 is a check digit, `000020` and its six-digit code.
"""

import re
from typing import Protocol

from exchange.errors import N_

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
    """Owners look after members and the organization's data."""
    return "owner" in member.roles


def may_list(member: Roles) -> bool:
    """Owners and data officers prepare listings."""
    return has_role(member, "owner", "data_officer")
