"""A first look for personal data: what a provider must answer for before anyone may have the file.

It looks at headers and values, and errs towards asking: the phone number of a town hall is a finding that the
provider answers in one line. My Number (個人番号, 番号法2条5項) is different: nobody may list it (番号法19条), so
it is reported only on strong evidence, and blocks. Corporate numbers have 13 digits and are no finding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from .headers import plain
from .profile import Profile, cell, count_where
from .results import Finding
from .surnames import SURNAMES
from .tables import Table

SAMPLES = 3
NAMES_LOOKED_AT = 5_000

# --- headers -------------------------------------------------------------------------------------------------
# Compared after NFKC, without blanks, in lower case.
NUMBER_HEADER = re.compile(r"マイナンバー|個人番号|特定個人|my_?number|individual_?number")
PERSON_HEADER = re.compile(
    r"氏名|姓名|^[姓名氏]$|^セイ$|^メイ$|名義人|世帯主|^本人|患者名|生徒名|児童名|園児名|受講者|受診者|被保険者名|会員名|顧客名"
    r"|^((full|first|last|family|given|person|customer|patient|student)[ _-]?name|surname)$"
)
LIKELY_PERSON_HEADER = re.compile(
    r"名前|担当者|代表者|責任者|管理者|申請者|届出者|開設者|設置者|経営者|所有者|保護者|利用者名|講師|委員|議員|理事長|園長|校長|院長|施設長|医師"
    r"|contact[ _-]?(name|person)|person_?in_?charge|representative|director|principal$|president"
)
NOT_A_PERSON_HEADER = re.compile(
    r"名称|施設|団体|法人|会社|企業|組織|機関|事業|店|屋号|学校名|園名|校名|駅|路線|停留所|バス停|町名|地名|地区|公園|建物|設備|商品|品名|品目|銘柄"
    r"|課|部署|部門|所属|件名|作品|電話|tel|fax|メール|mail|番号|コード|code|id$|住所|所在地|url|人数|数$|有無|区分|種別|資格|年月日|日付|時間"
    r"|役職|職名|肩書|_pos$|position|title|金額|備考|説明|内容|サイト|ページ|文化財|イベント|行事|会場|場所|河川|橋|道路|file|株式|診療|科目"
)
PERSON_AT_END_HEADER = re.compile(r"(代表|担当|責任|管理|申請|届出|開設|設置|経営|所有|保護)者(の?名前?)?$")
COUNTED_HEADER = re.compile(r"数$|有無|件$")
BARE_NAME_HEADER = re.compile(r"^name$")  # of anything: persons only if the values begin with surnames
KANA_HEADER = re.compile(r"フリガナ|ふりがな|カナ|かな|ヨミ|読み|よみ|kana")
SPELT_HEADER = re.compile(r"名|称|name|施設|団体|法人|会社|店|者$")  # what a reading in the next column spells
PHONE_HEADER = re.compile(r"電話|tel|phone|携帯|連絡先|fax|ファックス|ファクス|telephone")
EMAIL_HEADER = re.compile(r"メール|e-?mail|mail")
BIRTH_HEADER = re.compile(r"生年月日|誕生日|生年|出生(年月)?日|生まれ|birth|^dob$|date_?of_?birth|bday")
ADDRESS_HEADER = re.compile(r"住所|所在地|居所|address|番地")
CODE_HEADER = re.compile(
    r"基礎年金番号|運転免許証?(の)?番号|旅券番号|パスポート番号|被保険者(証)?(の)?(番号|記号)|在留カード(の)?番号|住民票コード|passport_?n"
)

# --- values (RE2; full-width digits count) ----------------------------------------------------------------------
D = "[0-9０-９]"
DASH = "[-‐‑–—―−－ー]"
# Area code, exchange and number have ten or eleven digits together: 03-1234-5678 is one, 01-02-2019 is a day.
PHONE_FORMS = ((1, "4", 4), (2, "3,4", 4), (3, "2,3", 4), (3, "3", 3), (4, "1", 4))
_OPEN, _CLOSE, _GAP = rf"({DASH}|[(（])[ 　]?", rf"({DASH}|[)）])[ 　]?", "[ 　]?"
_DASHED = "|".join(rf"[0０]{D}{{{a}}}{_OPEN}{D}{{{b}}}{_CLOSE}{D}{{{c}}}" for a, b, c in PHONE_FORMS)
_BRACED = "|".join(rf"[(（][0０]{D}{{{a}}}[)）]{_GAP}{D}{{{b}}}{DASH}{D}{{{c}}}" for a, b, c in PHONE_FORMS)
_ABROAD = r"\+81[- ]?[0-9]{1,4}[- ]?[0-9]{1,4}[- ]?[0-9]{3,4}"
PHONE = rf"(^|[^0-9０-９./=_%-])({_DASHED}|{_BRACED}|{_ABROAD})($|[^0-9０-９/-])"
BARE_PHONE = rf"[0０]?{D}{{9,10}}|{D}{{2,4}}{DASH}{D}{{4}}"  # under a header for phones only
MOBILE = "0[5789]0[0-9]{8}"
EMAIL = r"[A-Za-z0-9._%+-]+[@＠][A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
DAY_OF_ANY_KIND = (
    rf"{D}{{4}}[-/.年]{D}{{1,2}}[-/.月]{D}{{1,2}}日?.*|[12][0-9]{{7}}|[12][0-9]{{3}}年?"
    rf"|(明治|大正|昭和|平成|令和|[MTSHRmtshr])[ 　]?({D}{{1,2}}|元)[年.．/-].*"
)
HOUSE_NUMBER = rf"{D}+(丁目|番|号|{DASH}|の){D}*|[一二三四五六七八九十]+丁目{D}+|番地|{D}$"
TWELVE_DIGITS = rf"{D}{{12}}|{D}{{4}}[- 　]{D}{{4}}[- 　]{D}{{4}}|{D}{{4}}－{D}{{4}}－{D}{{4}}"
TWELVE_INSIDE = r"(^|[^0-9])([0-9]{4}[- ]?[0-9]{4}[- ]?[0-9]{4})($|[^0-9])"

MY_NUMBER_SHARE = 0.8
MY_NUMBER_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
BARE_PHONE_SHARE = 0.5
SURNAME_SHARE = 0.6

ORGANISATION = re.compile(
    r"^(株式|有限|合同|合資|一般|公益|特定非営利|社会福祉|学校法人|医療法人|独立行政|国立|都立|道立|府立|県立|市立|区立|町立|村立|私立)|(市|区|町|村|県|府|都|課|係|部|室|局|会|社|団|所|院|園|校|館|店|組合|センター|株式会社|有限会社|法人|機構|財団|クリニック|医院|病院|科|連盟|協会|寺|神社|公園|橋|通り|線|駅|山|川|湖|島|浜|港|荘|庵|家|堂|屋|亭|苑|台|団地|住宅|丁目|地区|自治会|本店|支店|商店|会館|広場|用地|跡|知事|[市町村]長|大臣|像|碑|墓|古墳|城)$"
)
TITLE = re.compile(
    r"^(代表取締役|代表社員|代表理事|代表者?|(副|前)?(理事|社|会|院|園|校|館|所|部|課|係|支部|組合|施設|センター)長|取締役|理事|主任|主査|担当)+[\s　:：]*(?=.)"
    r"|[\s　]*(様|氏|殿|さん|先生)$"
)
PERSON = re.compile(
    r"[一-鿿々〆ヶぁ-んァ-ヶー]{1,6}[\s　・]?[一-鿿々ぁ-んァ-ヶー]{0,8}|[A-Za-z][A-Za-z.'-]+( [A-Za-z][A-Za-z.'-]+){1,2}|[ｦ-ﾟ]+[ 　]?[ｦ-ﾟ]*"
)
GIVEN_CHARS_MAX = 3


def is_my_number(digits: str) -> bool:
    """Twelve digits whose last is the check digit of the first eleven (番号法施行規則 / 総務省令85号5条)."""
    if len(digits) != 12 or not digits.isascii() or not digits.isdigit():
        return False
    rest = sum(int(d) * w for d, w in zip(digits, MY_NUMBER_WEIGHTS, strict=False)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


@dataclass(frozen=True)
class Counted:
    """How many cells of a column match, with a few of them."""

    count: int
    examples: tuple[str, ...]


def findings_in(con: duckdb.DuckDBPyConnection, table: Table, found: Profile) -> list[Finding]:
    """Findings by column, in the file's order. Needs the views that `profile` made."""
    scan = Scan(con, table, found)
    names = scan.names()
    findings = [
        *scan.my_numbers(),
        *names,
        *scan.codes(),
        *scan.phones(),
        *scan.emails(),
        *scan.birth_dates(),
        *(scan.addresses() if names else []),
    ]
    order = {name: n for n, name in enumerate(table.names)}
    return sorted(findings, key=lambda finding: (not finding.blocking, order[finding.column]))


class Scan:
    """One table under the detectors."""

    def __init__(self, con: duckdb.DuckDBPyConnection, table: Table, found: Profile) -> None:
        self.con, self.table = con, table
        self.traits = found.traits
        self.filled = [column.filled for column in found.columns]
        self.types = [column.type for column in found.columns]
        self.headers = [re.sub(r"\s", "", plain(name)).casefold() for name in table.names]
        self.some = [n for n in range(len(table.names)) if self.filled[n]]
        self.texts = [n for n in self.some if self.types[n] == "text"]

    def _headed(self, pattern: re.Pattern[str], among: Sequence[int] | None = None) -> list[int]:
        return [n for n in (self.some if among is None else among) if pattern.search(self.headers[n])]

    def _matching(self, columns: Sequence[int], test: str) -> dict[int, int]:
        tests = [f"c{n} IS NOT NULL AND {test.replace('{}', cell(n))}" for n in columns]
        return {n: count for n, count in zip(columns, count_where(self.con, tests), strict=True) if count}

    def _values(self, n: int, test: str, limit: int = SAMPLES) -> list[str]:
        test = test.replace("{}", cell(n))
        rows = self.con.execute(
            f"SELECT {cell(n)} FROM raw WHERE c{n} IS NOT NULL AND {test} ORDER BY line LIMIT {limit}"
        ).fetchall()
        return [str(value) for (value,) in rows]

    def _finding(self, kind: str, n: int, count: int, test: str) -> Finding:
        samples = tuple(masked(kind, value) for value in self._values(n, test))
        return Finding(kind, self.table.names[n], count, samples)

    def my_numbers(self) -> list[Finding]:
        """Columns whose 12-digit values nearly all carry the check digit, or whose header says so."""
        numbers = ("text", "integer", "decimal")
        long_enough = [n for n in self.some if self.types[n] in numbers and self.traits[n].longest >= 12]
        twelve = _full(TWELVE_DIGITS)
        valid = f"({twelve} AND {_check_digit_sql(_digits_sql('{}'))})"
        candidates = self._matching(long_enough, twelve)
        passing = self._matching(list(candidates), valid)
        findings = []
        for n, count in candidates.items():
            passed, named = passing.get(n, 0), NUMBER_HEADER.search(self.headers[n])
            if named or (passed >= 2 and passed >= MY_NUMBER_SHARE * count):
                findings.append(self._finding("my_number", n, count if named else passed, twelve if named else valid))
        return findings + self._my_numbers_in_sentences({n for n in candidates})

    def _my_numbers_in_sentences(self, known: set[int]) -> list[Finding]:
        mentions = "regexp_matches({}, 'マイナンバー|個人番号')"
        mentioning = [n for n in self.texts if self.traits[n].mentions and n not in known]
        inside = f"({mentions} AND {_somewhere(TWELVE_INSIDE)} AND {_check_digit_sql(_digits_sql(_extracted('{}')))})"
        return [self._finding("my_number", n, count, inside) for n, count in self._matching(mentioning, inside).items()]

    def names(self) -> list[Finding]:
        """Columns of persons, by header, or by values that begin with a surname; and their readings."""
        findings: dict[int, Finding] = {}
        for n in self.texts:
            header, count, examples = self._header_for_name(n), self.filled[n], self._values(n, "TRUE")
            if header == "reading":
                before = next((m for m in range(n - 1, -1, -1) if not KANA_HEADER.search(self.headers[m])), -1)
                spelt = before >= 0 and SPELT_HEADER.search(self.headers[before])
                persons = before in findings if spelt else all(map(looks_like_a_person, examples))
                count = count if persons else 0
            elif header != "person":
                count, examples = self._persons(n, header)
            if count:
                samples = tuple(masked("name", value) for value in examples[:SAMPLES])
                findings[n] = Finding("name", self.table.names[n], count, samples)
        return list(findings.values())

    def _persons(self, n: int, header: str) -> tuple[int, list[str]]:
        """Values that look like persons, and how many, where there are enough of them for what the header says."""
        if header == "other":
            return 0, []
        values = self._values(n, "length({}) BETWEEN 2 AND 30", NAMES_LOOKED_AT)
        test, share, least = {
            "likely": (looks_like_a_person, 0.3, 1),
            "bare": (begins_with_surname, 0.3, 1),
        }.get(header, (begins_with_surname, SURNAME_SHARE, 3))
        persons = [value for value in values if test(value)]
        if len(persons) < max(least, share * min(self.filled[n], NAMES_LOOKED_AT)):
            return 0, []
        whole = header == "likely" or self.filled[n] > NAMES_LOOKED_AT
        return (self.filled[n] if whole else len(persons)), persons

    def _header_for_name(self, n: int) -> str:
        header = self.headers[n]
        if PERSON_HEADER.search(header) and not COUNTED_HEADER.search(header):
            return "person"
        if PERSON_AT_END_HEADER.search(header):
            return "likely"
        if NOT_A_PERSON_HEADER.search(header):
            return "other"
        if KANA_HEADER.search(header):
            return "reading"
        if BARE_NAME_HEADER.search(header):
            return "bare"
        return "likely" if LIKELY_PERSON_HEADER.search(header) else "unknown"

    def codes(self) -> list[Finding]:
        """Numbers that are 個人識別符号, by header."""
        return [self._finding("personal_code", n, self.filled[n], "TRUE") for n in self._headed(CODE_HEADER)]

    def phones(self) -> list[Finding]:
        """Values with a phone number in them; ten or eleven bare digits under a header for phones, or mobiles."""
        counts = self._matching(self.texts, _somewhere(PHONE))
        headed = [n for n in self._headed(PHONE_HEADER) if self.types[n] in ("text", "integer")]
        bare = self._matching(headed, _full(BARE_PHONE))
        mobiles = self._matching([n for n in self.texts if self.traits[n].longest == 11], _full(MOBILE))
        findings = []
        for n in sorted({*self.texts, *headed}):
            mobile = mobiles.get(n, 0) if mobiles.get(n, 0) >= BARE_PHONE_SHARE * self.filled[n] else 0
            count = counts.get(n, 0) + max(bare.get(n, 0), mobile)
            if count:
                test = f"({_somewhere(PHONE)} OR {_full(BARE_PHONE)})" if n in headed or mobile else _somewhere(PHONE)
                findings.append(self._finding("phone", n, count, test))
        return findings

    def emails(self) -> list[Finding]:
        """Values with an e-mail address in them."""
        test, likely = _somewhere(EMAIL), [n for n in self.texts if self.traits[n].at_signs]
        return [self._finding("email", n, count, test) for n, count in self._matching(likely, test).items()]

    def birth_dates(self) -> list[Finding]:
        """Dates under a header that says birth."""
        headed = [n for n in self._headed(BIRTH_HEADER) if not re.search(r"数$|率|地$|place", self.headers[n])]
        dates = [n for n in headed if self.types[n] in ("date", "datetime")]
        others = self._matching([n for n in headed if n not in dates], _full(DAY_OF_ANY_KIND))
        counts = {n: self.filled[n] for n in dates} | others
        return [self._finding("birth_date", n, count, "TRUE") for n, count in sorted(counts.items())]

    def addresses(self) -> list[Finding]:
        """Addresses down to the house number. Asked only where the table names persons too."""
        headed = [n for n in self._headed(ADDRESS_HEADER, self.texts) if "mail" not in self.headers[n]]
        test = _somewhere(HOUSE_NUMBER)
        return [self._finding("address", n, count, test) for n, count in self._matching(headed, test).items()]


def _full(pattern: str) -> str:
    return f"regexp_full_match({{}}, '{pattern}')"


def _somewhere(pattern: str) -> str:
    return f"regexp_matches({{}}, '{pattern}')"


def _extracted(words: str) -> str:
    return f"regexp_extract({words}, '{TWELVE_INSIDE}', 2)"


def _digits_sql(words: str) -> str:
    """Only the digits, half-width."""
    return f"regexp_replace(translate({words}, '０１２３４５６７８９', '0123456789'), '[^0-9]', '', 'g')"


def _check_digit_sql(digits: str) -> str:
    """`is_my_number` over a column, as SQL."""
    total = " + ".join(
        f"TRY_CAST(substr({digits}, {n}, 1) AS INTEGER) * {weight}" for n, weight in enumerate(MY_NUMBER_WEIGHTS, 1)
    )
    last = f"TRY_CAST(substr({digits}, 12, 1) AS INTEGER)"
    return f"(CASE WHEN length({digits}) <> 12 THEN FALSE WHEN ({total}) % 11 <= 1 THEN {last} = 0 ELSE {last} = 11 - ({total}) % 11 END)"


def looks_like_a_person(value: str) -> bool:
    """Could be a person's name: short, of letters, and no office, shop or place."""
    value = TITLE.sub("", value.strip())
    if value in SURNAMES:  # 谷川 ends like a river
        return True
    return 2 <= len(value) <= 30 and PERSON.fullmatch(value) is not None and not ORGANISATION.search(value)


def begins_with_surname(value: str) -> bool:
    """A common surname and one to three characters of a given name."""
    value = TITLE.sub("", value.strip())
    if not looks_like_a_person(value):
        return False
    for size in (1, 2, 3):
        if value[:size] in SURNAMES:
            given = value[size:].strip(" 　")
            spaced = len(given) < len(value) - size
            if 1 <= len(given) <= GIVEN_CHARS_MAX and (size > 1 or spaced):
                return True
    return False


def masked(kind: str, value: str) -> str:
    """Enough for the provider to find the cell again, too little for anyone else to learn from it."""
    if kind == "my_number":
        return "*" * 12
    if kind == "name":
        return value[:1] + "＊" * min(len(value) - 1, 6)
    if kind == "email":
        return (_part(EMAIL, value) or value)[:1] + "***@***"
    if kind == "phone":
        value = _part(PHONE, value, 2) or value
    return re.sub(r"[0-9０-９]", "*", value.replace("\0", ""))[:40]


def _part(pattern: str, value: str, group: int = 0) -> str | None:
    found = re.search(pattern, value)
    return found[group] if found else None
