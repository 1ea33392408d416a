"""What must always be true of listings, releases, files and wants. Pure: no database, no web, no clock.

    listing   draft ──submit──▶ submitted ──publish──▶ published ──withdraw──▶ withdrawn
                ▲──────return──────┘                 (draft and submitted may be withdrawn, too)

    release   draft ──submit──▶ submitted ──publish──▶ published      never changes any more
                ▲──────return──────┘

    file      uploading ──complete──▶ reading ──ready──▶ ready
                                         └────refuse──▶ refused

The first release moves together with its listing; later releases move while the listing stays published.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from exchange.errors import N_, Invalid, Words, WrongState, text
from exchange.identity.rules import is_municipality_code, may_list

# ---- limits, all stated in the API's documentation and in the messages

TITLE_LENGTH_MAX = 200
SUMMARY_LENGTH_MAX = 400
DESCRIPTION_LENGTH_MAX = 10_000
SOURCE_LENGTH_MAX = 400
KEYWORDS_MAX, KEYWORD_LENGTH_MAX = 30, 50
AREA_CODES_MAX = 200
INVITED_MAX = 200
NOTE_LENGTH_MAX = 1_000
REASON_LENGTH_MAX = 1_000
COLUMN_DESCRIPTION_LENGTH_MAX = 400
FILES_PER_RELEASE_MAX = 200
FILE_NAME_LENGTH_MAX = 150
FILE_SIZE_MAX = 100 * 10**9
PUT_SIZE_MAX = 5 * 10**9  # S3 takes no more in one PUT
PART_SIZE_MIN, PARTS_MAX = 64 * 1024 * 1024, 10_000  # S3 takes 10,000 parts of an upload
PREVIEW_ROWS_MAX = 10
UNPUBLISHED_PER_PROVIDER_MAX = 1_000
OPEN_WANTS_PER_ORGANIZATION_MAX = 50

# ---- words

THEMES = {
    "population": N_("人口・世帯"),
    "disaster": N_("防災"),
    "facilities": N_("施設"),
    "transport": N_("交通"),
    "tourism": N_("観光・文化"),
    "health": N_("医療・福祉"),
    "childcare_education": N_("子育て・教育"),
    "industry": N_("産業・しごと"),
    "land_geography": N_("土地・地理"),
    "environment": N_("環境・エネルギー"),
    "administration": N_("行政"),
    "finance": N_("財政・金融"),
    "mobility": N_("移動・人の流れ"),
    "commerce": N_("購買・商業"),
    "social": N_("社会・生活"),
    "iot": N_("センサー・機器"),
}
FREQUENCIES = {
    "realtime": N_("随時(リアルタイム)"),
    "daily": N_("毎日"),
    "weekly": N_("毎週"),
    "monthly": N_("毎月"),
    "quarterly": N_("四半期ごと"),
    "annual": N_("毎年"),
    "irregular": N_("不定期"),
    "once": N_("更新なし"),
}
DATA_CLASSES = {
    "non_personal": N_("個人に関しない情報"),
    "statistics": N_("統計情報"),
    "anonymized": N_("匿名加工情報"),
    "person_related": N_("個人関連情報"),
    "personal": N_("個人データ"),
    "sensitive": N_("要配慮個人情報"),
    "pseudonymized": N_("仮名加工情報"),
    "my_number": N_("特定個人情報(マイナンバー)"),
}
CLASS_NOTES = {
    "non_personal": N_("施設、設備、気象、地形など、生きている個人に関する情報を含まないデータです。"),
    "statistics": N_("複数の人の情報を集計し、特定の個人との対応関係がなくなったデータです。"),
    "anonymized": N_("特定の個人を識別できず、元に戻せないように加工したデータです(個人情報保護法第2条第6項)。"),
    "person_related": N_(
        "閲覧履歴や位置情報など、個人情報ではないが個人に関するデータです(個人情報保護法第2条第7項)。"
    ),
    "personal": N_("氏名や連絡先など、特定の個人を識別できるデータです。掲載できません。"),
    "sensitive": N_("病歴、信条、犯罪の経歴など、取扱いに特に配慮が必要なデータです。掲載できません。"),
    "pseudonymized": N_("他の情報と照合しなければ個人を識別できないように加工したデータです。掲載できません。"),
    "my_number": N_("個人番号をその内容に含むデータです。掲載できません。"),
}
# Where each class is defined in the law, for the link beside it on the listing page.
LAW_OF_CLASS = {
    "non_personal": "https://laws.e-gov.go.jp/law/415AC0000000057#Mp-Ch_1-At_2",
    "statistics": "https://laws.e-gov.go.jp/law/415AC0000000057#Mp-Ch_1-At_2",
    "anonymized": "https://laws.e-gov.go.jp/law/415AC0000000057#Mp-Ch_4-Se_4-At_43",
    "person_related": "https://laws.e-gov.go.jp/law/415AC0000000057#Mp-Ch_4-Se_2-At_31",
}
# Licences in plain words; others may be named freely. The keys are those of the open terms in contracts.
LICENCES = {
    "cc-by-4.0": N_("クリエイティブ・コモンズ 表示 4.0(出典を示せば商用も可)"),
    "cc0-1.0": N_("CC0(権利を放棄。自由に利用可)"),
    "pdl-1.0": N_("公共データ利用規約 第1.0版(出典を示せば商用も可)"),
    "gstu-2.0": N_("政府標準利用規約 第2.0版(出典を示せば商用も可)"),
}
PRICING_MODELS = {
    "free": N_("無料"),
    "one_off": N_("一括払い"),
    "subscription": N_("定額"),
    "metered": N_("従量"),
    "revenue_share": N_("売上分配"),
}
VISIBILITIES = {
    "public": N_("公開"),
    "invited": N_("招待した組織のみ"),
    "organization": N_("自組織のみ(庁内・社内)"),
}
LISTING_STATES = {
    "draft": N_("下書き"),
    "submitted": N_("審査待ち"),
    "published": N_("公開中"),
    "withdrawn": N_("掲載終了"),
}
FILE_STATES = {
    "uploading": N_("送信中"),
    "reading": N_("読取中"),
    "ready": N_("読取済み"),
    "refused": N_("受け付けられません"),
}
ANSWER_KINDS = {
    "listing": N_("掲載データで回答"),
    "date": N_("提供予定日を回答"),
    "no": N_("提供できない理由を回答"),
}
FINDING_KINDS = {
    "my_number": N_("マイナンバー(検査数字が一致する12桁の数字)"),
    "name": N_("氏名らしい値"),
    "phone": N_("電話番号らしい値"),
    "email": N_("メールアドレスらしい値"),
    "birth_date": N_("生年月日らしい値"),
    "address": N_("住所らしい値"),
}
PREFECTURES = {
    "01": N_("北海道"),
    "02": N_("青森県"),
    "03": N_("岩手県"),
    "04": N_("宮城県"),
    "05": N_("秋田県"),
    "06": N_("山形県"),
    "07": N_("福島県"),
    "08": N_("茨城県"),
    "09": N_("栃木県"),
    "10": N_("群馬県"),
    "11": N_("埼玉県"),
    "12": N_("千葉県"),
    "13": N_("東京都"),
    "14": N_("神奈川県"),
    "15": N_("新潟県"),
    "16": N_("富山県"),
    "17": N_("石川県"),
    "18": N_("福井県"),
    "19": N_("山梨県"),
    "20": N_("長野県"),
    "21": N_("岐阜県"),
    "22": N_("静岡県"),
    "23": N_("愛知県"),
    "24": N_("三重県"),
    "25": N_("滋賀県"),
    "26": N_("京都府"),
    "27": N_("大阪府"),
    "28": N_("兵庫県"),
    "29": N_("奈良県"),
    "30": N_("和歌山県"),
    "31": N_("鳥取県"),
    "32": N_("島根県"),
    "33": N_("岡山県"),
    "34": N_("広島県"),
    "35": N_("山口県"),
    "36": N_("徳島県"),
    "37": N_("香川県"),
    "38": N_("愛媛県"),
    "39": N_("高知県"),
    "40": N_("福岡県"),
    "41": N_("佐賀県"),
    "42": N_("長崎県"),
    "43": N_("熊本県"),
    "44": N_("大分県"),
    "45": N_("宮崎県"),
    "46": N_("鹿児島県"),
    "47": N_("沖縄県"),
}

# ---- states

LISTING = {
    ("draft", "submit"): "submitted",
    ("submitted", "publish"): "published",
    ("submitted", "return"): "draft",
    ("draft", "withdraw"): "withdrawn",
    ("submitted", "withdraw"): "withdrawn",
    ("published", "withdraw"): "withdrawn",
    # A later release moves while its listing stays where it is.
    ("published", "submit"): "published",
    ("published", "publish"): "published",
    ("published", "return"): "published",
    ("published", "release"): "published",
}
RELEASE = {
    ("draft", "submit"): "submitted",
    ("submitted", "publish"): "published",
    ("submitted", "return"): "draft",
}
FILE = {
    ("uploading", "complete"): "reading",
    ("reading", "ready"): "ready",
    ("reading", "refuse"): "refused",
}
DEED_NAMES = {
    "submit": N_("提出"),
    "publish": N_("公開"),
    "return": N_("差戻し"),
    "withdraw": N_("掲載終了"),
    "release": N_("新しい版の作成"),
    "complete": N_("アップロードの完了"),
    "ready": N_("読取完了"),
    "refuse": N_("読取拒否"),
}

States = Mapping[tuple[str, str], str]


def allowed(table: States, state: str) -> list[str]:
    """The deeds a thing in this state takes."""
    return [deed for (at, deed) in table if at == state]


def deeds(listing_state: str, release_state: str | None) -> list[str]:
    """The deeds that a listing takes with an unpublished release in this state, or with none."""
    taken = allowed(LISTING, listing_state)
    if release_state is None:
        return [deed for deed in taken if deed in ("withdraw", "release")]
    ready = {*allowed(RELEASE, release_state), "withdraw"}
    return [deed for deed in taken if deed in ready]


def after(table: States, state: str, deed: str) -> str:
    """The state after a deed; raises `WrongState` with what is allowed instead."""
    if (state, deed) not in table:
        raise WrongState(
            text(
                "現在の状態(%(state)s)では「%(deed)s」はできません。",
                state=_state_word(state),
                deed=text(DEED_NAMES[deed]),
            ),
            state=state,
            allowed=allowed(table, state),
        )
    return table[state, deed]


def _state_word(state: str) -> text:
    return text(LISTING_STATES.get(state) or FILE_STATES[state])


# ---- data classes and the law (個人情報保護法 = Act 57 of 2003; 番号法 = Act 27 of 2013)

REFUSED_CLASSES = {
    "personal": N_(
        "個人データは、本人の同意なく第三者に提供できません(個人情報の保護に関する法律 第27条第1項)。"
        "この取引市場では掲載できません。集計して統計情報にしたものは掲載できます。"
    ),
    "sensitive": N_(
        "要配慮個人情報は、オプトアウトによる第三者提供ができず、取得と提供に本人の同意が必要です"
        "(個人情報の保護に関する法律 第2条第3項、第20条第2項、第27条第2項)。この取引市場では掲載できません。"
    ),
    "pseudonymized": N_(
        "仮名加工情報は、法令に基づく場合を除き第三者に提供できません"
        "(個人情報の保護に関する法律 第41条第6項、第42条第1項)。この取引市場では掲載できません。"
    ),
    "my_number": N_(
        "特定個人情報は、法律が定める場合を除き提供できません"
        "(行政手続における特定の個人を識別するための番号の利用等に関する法律 第19条)。この取引市場では掲載できません。"
    ),
}
MUNICIPAL_ANONYMIZED = N_(
    "地方公共団体が匿名加工したデータは行政機関等匿名加工情報であり、提案の募集・審査・契約・手数料の手続によってのみ提供できます"
    "(個人情報の保護に関する法律 第109条から第123条まで)。通常の掲載はできません。"
)
GATED_CLASSES = {
    "anonymized": N_(
        "匿名加工情報を提供するには、加工の方法と公表の確認が必要です(個人情報の保護に関する法律 第43条、第44条)。"
        "この確認の手続を準備しているため、まだ提出できません。下書きのまま保存されます。"
    ),
    "person_related": N_(
        "個人関連情報を提供するには、提供先で個人データとして取得されるかどうかの確認が必要です"
        "(個人情報の保護に関する法律 第31条第1項)。この確認の手続を準備しているため、まだ提出できません。下書きのまま保存されます。"
    ),
}


class ClassNotYetAccepted(WrongState):
    """The gates that the law asks for before this class is provided are not in force yet; the listing stays a draft."""

    title_ja = N_("このデータ区分はまだ提出できません")


def class_may_be_listed(data_class: str, *, provider_kind: str) -> None:
    """Refuses classes that may not be provided to third parties, naming the article of law.

    Raises `Invalid` on `data_class`. Source: 個人情報保護法 27, 20, 41, 42, 109-123; 番号法 19.
    """
    reason = REFUSED_CLASSES.get(data_class)
    if data_class == "anonymized" and provider_kind == "municipality":
        reason = MUNICIPAL_ANONYMIZED
    if reason:
        raise Invalid({"data_class": [text(reason)]}, text(reason))


def class_may_be_submitted(data_class: str, *, state: str) -> None:
    """Refuses classes whose gates are not built yet: `ClassNotYetAccepted` with the article of law."""
    if data_class in GATED_CLASSES:
        raise ClassNotYetAccepted(text(GATED_CLASSES[data_class]), state=state, allowed=["withdraw"])


# ---- quality

LEVEL_COSTS = {"error": 20, "warning": 6, "note": 1}


def quality(levels: Sequence[str]) -> int:
    """100 less what each problem costs a reader of the file (error 20, warning 6, note 1), never below 0."""
    return max(0, 100 - sum(LEVEL_COSTS.get(level, 0) for level in levels))


# ---- who may


class Person(Protocol):
    """Whoever acts: a member with roles in one organization."""

    @property
    def organization_id(self) -> str: ...

    roles: list[str]
    may_bind: bool


def may_prepare(person: Person, provider_id: str) -> bool:
    """The provider's owners and data officers draft, upload, submit, release and withdraw."""
    return person.organization_id == provider_id and may_list(person)


def may_review(person: Person) -> bool:
    """Administrators of the exchange who hold the role of approver publish and return."""
    return "approver" in person.roles


def may_change_fields(state: str, fields: Sequence[str]) -> bool:
    """A draft may change in everything; what is published keeps what contracts were concluded on."""
    return state == "draft" or (state == "published" and not set(fields) & FIXED_ONCE_PUBLISHED)


FIXED_ONCE_PUBLISHED = frozenset({"data_class", "licence", "source", "theme"})

# ---- texts, codes, names

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,10})$")


def printable(value: str) -> bool:
    """Text that a database and a page can hold: no control characters but tab and line feed, no lone surrogates."""
    return not _CONTROL.search(value) and not any(0xD800 <= ord(c) <= 0xDFFF for c in value)


def one_line(value: str) -> bool:
    """Printable text without line breaks and tabs."""
    return printable(value) and not any(c in value for c in "\n\t\u2028\u2029")


def is_area_code(code: str) -> bool:
    """A prefecture (2 digits) or a local government (6 digits with check digit, or its first 5)."""
    if not code.isascii() or not code.isdigit() or code[:2] not in PREFECTURES:
        return False
    return len(code) in (2, 5) or is_municipality_code(code)


def is_file_name(name: str) -> bool:
    """A name without folders, control characters or blanks at its ends, at most 150 characters."""
    good = one_line(name) and name == name.strip() and 0 < len(name) <= FILE_NAME_LENGTH_MAX
    return good and name not in (".", "..") and not any(c in name for c in '/\\:*?"<>|')


def extension(name: str) -> str:
    """The ending of a file name with its dot, in small letters, or nothing."""
    found = _EXTENSION.search(name)
    return f".{found[1].lower()}" if found else ""


def open_licence(licence: str | None) -> str | None:
    """The key of the open terms that a licence names, however it is spelt; None when it is none of them.

    Open data in Japan's sense allows commercial use, so NC and ND terms are none (オープンデータ基本指針).
    """
    key = (licence or "").strip().lower().replace("_", "-").replace(" ", "-")
    return key if key in LICENCES else None


# ---- uploads


def part_size(size: int) -> int:
    """Bytes of each part (but the last) of an upload in parts: the smallest power of two that makes do with 10,000."""
    chosen = PART_SIZE_MIN
    while chosen * PARTS_MAX < size:
        chosen *= 2
    return chosen


def part_count(size: int) -> int:
    """How many parts an upload of this size has; at least one."""
    return max(1, -(-size // part_size(size)))


# ---- search: PostgreSQL splits no Japanese, so the index holds pairs of letters

_WORD = re.compile(r"[^\W_]+")
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


def folded(value: str) -> str:
    """Text with width, case and kana no longer told apart (ＡＥＤ = aed, カフェ = かふぇ)."""
    return unicodedata.normalize("NFKC", value).casefold().translate(_KATAKANA)


def pairs(word: str) -> list[str]:
    """A word as overlapping pairs of letters, and its last letter alone so that every letter begins some term."""
    return [word[n : n + 2] for n in range(len(word))]


def search_vector(fields: Sequence[tuple[str, str]], *, terms_max: int = 16_000) -> str:
    """A `tsvector` in PostgreSQL's own notation: pairs of letters with place and weight (A heaviest … D).

    Places of neighboring pairs follow each other, so that a phrase query finds exact substrings; fields and words are
    set apart so that none is found across them.
    """
    terms: dict[str, list[str]] = {}
    place = 0
    for weight, value in fields:
        for word in _WORD.findall(folded(value)):
            for pair in pairs(word):
                place += 1
                if place > terms_max:
                    return _written(terms)
                # PostgreSQL keeps 256 places of a term.
                if len(terms.setdefault(pair, [])) < 255:
                    terms[pair].append(f"{place}{weight}")
            place += 1
    return _written(terms)


def _written(terms: Mapping[str, Sequence[str]]) -> str:
    return " ".join(f"{_quoted(term)}:{','.join(places)}" for term, places in terms.items())


def _quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def search_query(q: str, *, words_max: int = 8, letters_max: int = 40) -> str:
    """A `tsquery` in PostgreSQL's notation: every word must occur as written; empty when nothing is asked."""
    words = _WORD.findall(folded(q))[:words_max]
    return " & ".join(_phrase(word[:letters_max]) for word in words)


def _phrase(word: str) -> str:
    if len(word) == 1:
        return _quoted(word) + ":*"
    return "(" + " <-> ".join(_quoted(word[n : n + 2]) for n in range(len(word) - 1)) + ")"


# ---- what a provider may say of a listing


def problems_of(fields: Mapping[str, Any], *, partial: bool = False) -> dict[str, list[Words]]:
    """What is wrong with the fields of a listing, by field; all of them, or with `partial` those that are given."""
    problems: dict[str, list[Words]] = {}
    for name, (maximum, line) in _TEXTS.items():
        if name in fields or not partial:
            problems |= _text_problems(name, fields.get(name), maximum, line=line)
    for name, choices in _CHOICES.items():
        if (name in fields or not partial) and fields.get(name) not in choices:
            problems[name] = [text("選択肢から選んでください。")]
    problems |= _list_problems("keywords", fields.get("keywords") or [], KEYWORDS_MAX, _is_keyword)
    problems |= _list_problems("area_codes", fields.get("area_codes") or [], AREA_CODES_MAX, is_area_code)
    problems |= _list_problems("invited", fields.get("invited") or [], INVITED_MAX, lambda i: 0 < len(i) <= 26)
    if fields.get("data_class") and fields["data_class"] not in DATA_CLASSES:
        problems["data_class"] = [text("選択肢から選んでください。")]
    if fields.get("visibility", "public") not in VISIBILITIES:
        problems["visibility"] = [text("選択肢から選んでください。")]
    licence = fields.get("licence")
    if licence is not None and not (one_line(licence) and len(licence.strip()) > 0 and len(licence) <= 100):
        problems["licence"] = [text("ライセンスは1文字以上100文字以内で入力してください。")]
    return problems | period_problems(fields.get("period_start"), fields.get("period_end"))


_TEXTS = {
    "title": (TITLE_LENGTH_MAX, True),
    "summary": (SUMMARY_LENGTH_MAX, False),
    "description": (DESCRIPTION_LENGTH_MAX, False),
    "source": (SOURCE_LENGTH_MAX, False),
}
_CHOICES = {"theme": THEMES, "update_frequency": FREQUENCIES}


def _text_problems(name: str, value: Any, maximum: int, *, line: bool) -> dict[str, list[Words]]:
    if not isinstance(value, str) or not value.strip():
        return {name: [text("入力してください。")]}
    if len(value) > maximum:
        return {name: [text("%(max)s文字以内で入力してください(現在%(n)s文字)。", max=maximum, n=len(value))]}
    if not (one_line(value) if line else printable(value)):
        return {name: [text("使えない文字(制御文字)が含まれています。")]}
    return {}


def _list_problems(
    name: str, values: Sequence[str], maximum: int, good: Callable[[str], bool]
) -> dict[str, list[Words]]:
    if len(values) > maximum:
        return {name: [text("%(max)s件以内にしてください(現在%(n)s件)。", max=maximum, n=len(values))]}
    bad = [value for value in values if not good(value)]
    if not bad:
        return {}
    shown = "、".join(bad)[:100]
    if name == "area_codes":
        return {
            name: [
                text(
                    "地域コードは、都道府県の2桁か、全国地方公共団体コードの6桁(検査数字付き)または5桁です: %(bad)s",
                    bad=shown,
                )
            ]
        }
    return {name: [text("次の値は使えません: %(bad)s", bad=shown)]}


def _is_keyword(value: str) -> bool:
    return one_line(value) and len(value.strip()) > 0 and len(value) <= KEYWORD_LENGTH_MAX


def period_problems(start: date | None, end: date | None) -> dict[str, list[Words]]:
    """A period must not end before it starts."""
    if start and end and start > end:
        return {"period_end": [text("対象期間の終わりは、始まり以後の日付にしてください。")]}
    return {}


def want_problems(fields: Mapping[str, Any]) -> dict[str, list[Words]]:
    """What is wrong with the fields of a want, by field."""
    problems: dict[str, list[Words]] = {}
    problems |= _text_problems("title", fields.get("title"), TITLE_LENGTH_MAX, line=True)
    problems |= _text_problems("purpose", fields.get("purpose"), NOTE_LENGTH_MAX, line=False)
    if fields.get("description"):
        problems |= _text_problems("description", fields["description"], DESCRIPTION_LENGTH_MAX, line=False)
    if fields.get("theme") not in THEMES:
        problems["theme"] = [text("選択肢から選んでください。")]
    return problems | _list_problems("area_codes", fields.get("area_codes") or [], AREA_CODES_MAX, is_area_code)
