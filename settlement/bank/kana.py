"""Names as banks write them, brought to one form so that two spellings of a payer compare equal. Pure.

Sources: 全国銀行協会 全銀協標準フォーマット (characters of transfers) and its list of abbreviations of corporate forms.
"""

import re
import unicodedata

from exchange.identity import bank_accounts

# What banks write for a corporate form, before `)`, after `(`, or between both.
# fmt: off
ABBREVIATIONS = [
    "カ", "ユ", "メ", "シ", "ド", "ソ", "イ", "シヤ", "ザイ", "フク", "ガク", "シユウ", "トクヒ", "ドク", "ドクホウ",
    "チドク", "ダイ", "ホゴ", "ノウ", "ベン", "ゼイ", "シホウ", "ギヨ", "ロウム", "カンリ", "コウシヤ", "コウザイ",
]
SPELLED = [
    "トクテイヒエイリカツドウホウジン", "エヌピーオーホウジン", "シヤカイフクシホウジン",
    "チホウドクリツギヨウセイホウジン", "ドクリツギヨウセイホウジン", "コクリツダイガクホウジン",
    "コウリツダイガクホウジン", "イツパンシヤダンホウジン", "コウエキシヤダンホウジン", "イツパンザイダンホウジン",
    "コウエキザイダンホウジン", "シヤダンホウジン", "ザイダンホウジン", "ガツコウホウジン", "シユウキヨウホウジン",
    "イリヨウホウジン", "カブシキガイシヤ", "カブシキカイシヤ", "ユウゲンガイシヤ", "ゴウドウガイシヤ",
    "ゴウメイガイシヤ", "ゴウシガイシヤ",
]
KANJI = [
    "特定非営利活動法人", "NPO法人", "社会福祉法人", "地方独立行政法人", "独立行政法人", "国立大学法人",
    "公立大学法人", "一般社団法人", "公益社団法人", "一般財団法人", "公益財団法人", "社団法人", "財団法人",
    "学校法人", "宗教法人", "医療法人", "株式会社", "有限会社", "合同会社", "合名会社", "合資会社", "(株)", "(有)",
    "(同)", "(名)", "(資)",
]
# fmt: on
_ANNOUNCED = re.compile(
    r"^(お?振込入金|お?振込(?!資金|返却|不能)|フリコミ(?!シキン|ヘンキヤク|フノウ)|被仕向送金|入金)[\s:*・]*(?:\d(?!\d))?\s*"
)
_REFERENCE = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
_RETURNED = ("組戻", "クミモドシ", "振込資金返却", "フリコミシキンヘンキヤク", "振込返却", "振込不能", "フリコミフノウ")
_ABROAD = ("外国送金", "海外送金", "被仕向外国送金", "ガイコクソウキン", "カイガイソウキン", "外為", "ガイタメ")


def _half(names: list[str]) -> str:
    return "|".join(re.escape(bank_accounts.holder_name(name)) for name in sorted(names, key=len, reverse=True))


_SHORT = _half(ABBREVIATIONS)
_FORMS = re.compile(rf"^(?:{_SHORT})\)|\((?:{_SHORT})\)|\((?:{_SHORT})$|^(?:{_half(SPELLED)})|(?:{_half(SPELLED)})$")
_KANJI = re.compile("|".join(map(re.escape, KANJI)))
_BETWEEN = re.compile(r"[\s().,/¥｢｣「」・]")


def payer_name(written: str) -> str:
    """The payer in what a bank wrote about a credit: `振込 ｶ)ﾁｽﾞ` is `ｶ)ﾁｽﾞ`. Blank where only the kind is said."""
    plain = unicodedata.normalize("NFKC", written).strip()
    rest = _ANNOUNCED.sub("", plain)
    return written.strip() if rest == plain else rest


def payer_key(written: str) -> str:
    """A name without width, small kana, spaces, corporate form and payment reference; two names of one payer have the same key.

    Empty where nothing is left to compare.
    """
    plain = _KANJI.sub("", _REFERENCE.sub(" ", unicodedata.normalize("NFKC", payer_name(written))))
    half, before = bank_accounts.holder_name(plain), None
    while half != before:
        before, half = half, _FORMS.sub("", half.strip())
    return _BETWEEN.sub("", half)


def is_returned_transfer(written: str) -> bool:
    """Whether a credit is one of our own transfers that came back (組戻し, 振込資金返却)."""
    return _holds(written, _RETURNED)


def is_from_abroad(written: str) -> bool:
    """Whether a credit came from outside Japan (被仕向外国送金)."""
    return _holds(written, _ABROAD)


def _holds(written: str, words: tuple[str, ...]) -> bool:
    half = bank_accounts.holder_name(written).replace(" ", "")
    return any(bank_accounts.holder_name(word) in half for word in words)
