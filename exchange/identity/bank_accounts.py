"""A bank account as Japanese transfers need it (全銀協 総合振込): codes, kind, number, holder in half-width kana. Pure.

Kept as `{"bank_code", "bank_name", "branch_code", "branch_name", "account_type", "account_number", "account_holder_kana"}`, all strings.
"""

import re
import unicodedata
from collections.abc import Mapping

from exchange.errors import N_, Words, text

TYPES = {"ordinary": N_("普通"), "current": N_("当座"), "savings": N_("貯蓄"), "other": N_("その他")}
FIELDS = (
    "bank_code",
    "bank_name",
    "branch_code",
    "branch_name",
    "account_type",
    "account_number",
    "account_holder_kana",
)
HOLDER_LENGTH_MAX = 30  # the holder's field of the transfer record
NAME_LENGTH_MAX = 40
DIGITS = {
    "bank_code": (4, N_("金融機関コードは4桁の数字で入力してください。")),
    "branch_code": (3, N_("支店コードは3桁の数字で入力してください。")),
    "account_number": (7, N_("口座番号は7桁の数字で入力してください。7桁に満たないときは先頭に0を付けてください。")),
}

# What a transfer record may hold of a name: capitals, digits, a few signs, half-width kana without small letters.
_TEXT = r"[A-Z0-9ｱ-ﾝｦﾞﾟ ().,/¥｢｣-]"
HOLDER = re.compile(_TEXT + "{1,30}")
_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_DASHES = str.maketrans("ー‐‑–—―−ｰ", "--------")
_KANA = {
    unicodedata.normalize("NFKC", chr(code)): chr(code)
    for code in range(0xFF66, 0xFF9E)
    if not 0xFF67 <= code <= 0xFF70
}
_MARKS = {"\u3099": "ﾞ", "\u309a": "ﾟ"}


def holder_name(written: str) -> str:
    """A holder's name as transfers write it: `カブシキガイシャ　かいほう` is `ｶﾌﾞｼｷｶﾞｲｼﾔ ｶｲﾎｳ`."""
    wide = unicodedata.normalize("NFKC", written).translate(_DASHES)
    katakana = "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in wide).translate(_SMALL)
    parts = unicodedata.normalize("NFD", " ".join(katakana.split())).upper()
    return "".join(_MARKS.get(c) or _KANA.get(c, c) for c in parts)


def tidy(account: Mapping[str, str]) -> dict[str, str]:
    """An account as it is kept: half-width digits without separators, the holder as transfers write it."""
    kept = {name: unicodedata.normalize("NFKC", account.get(name) or "").strip() for name in FIELDS}
    for name in DIGITS:
        kept[name] = re.sub(r"[\s-]", "", kept[name])
    kept["account_holder_kana"] = holder_name(account.get("account_holder_kana") or "")
    return kept


def is_transfer_text(name: str) -> bool:
    """Whether a name, brought to that form, has only what transfers may hold."""
    return bool(re.fullmatch(_TEXT + "+", name))


def is_abroad(account: Mapping[str, str]) -> bool:
    """Whether somebody entered an account outside Japan: an IBAN, or a BIC where a bank's four digits belong."""
    number, bank = (
        re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", account.get(name) or "")).upper()
        for name in ("account_number", "bank_code")
    )
    return bool(re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}", number) or re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2,5}", bank))


def errors_in(account: Mapping[str, str]) -> dict[str, list[Words]]:
    """What is wrong with a tidied account, by field; nothing for one that a transfer file can hold."""
    errors: dict[str, list[Words]] = {}
    for name, (length, message) in DIGITS.items():
        if not re.fullmatch(rf"[0-9]{{{length}}}", account[name]):
            errors[name] = [text(message)]
    for name, message in (
        ("bank_name", N_("金融機関名を入力してください。")),
        ("branch_name", N_("支店名を入力してください。")),
    ):
        if not account[name] or len(account[name]) > NAME_LENGTH_MAX:
            errors[name] = [text(message)]
    if account["account_type"] not in TYPES:
        errors["account_type"] = [text(N_("預金の種類を選んでください。"))]
    if not HOLDER.fullmatch(account["account_holder_kana"]):
        errors["account_holder_kana"] = [
            text(N_("口座名義はカタカナ・英数字で、半角にして30文字以内で入力してください(濁点も1文字に数えます)。"))
        ]
    return errors
