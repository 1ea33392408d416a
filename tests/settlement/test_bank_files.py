"""What banks write and read: CSV by their headings, records of 200 and of 120 bytes, names in kana."""

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import Invalid
from exchange.identity import bank_accounts
from settlement import bank
from settlement.bank import written
from tests.settlement.conftest import ACCOUNT

TODAY = date(2026, 11, 30)


def read(text, encoding="utf-8", **options):
    return bank.read_statement(text.encode(encoding), today=TODAY, **options)


def shown(lines):
    return [(line.received_on.isoformat(), bank_accounts.holder_name(line.payer), line.amount_jpy) for line in lines]


CREDIT = [("2026-11-20", "ｶ)ﾁｽﾞｾｲｻｸ", 11_000)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize(
    "text",
    [
        # day, words, debit and credit in columns of their own; remarks above and below
        '口座番号,1234567\n\n"日付","摘要","摘要内容","支払い金額","預かり金額","差引残高","メモ"\n'
        '"2026/11/20","振込１","ｶ)ﾁｽﾞｾｲｻｸ","","11,000","1,000,000",""\n"2026/11/20","手数料","","440","","999,560",""\n合計\n',
        "年月日,お引出し,お預入れ,お取り扱い内容,残高\nR8.11.20,,11000,振込　ｶ)ﾁｽﾞｾｲｻｸ,5\nR8.11.21,500,,カード,5\n",
        "お取引日,お支払金額（円）,お預り金額（円）,お取引内容\n令和8年11月20日,0,１１，０００円,ﾌﾘｺﾐ ｶ)ﾁｽﾞｾｲｻｸ\n",
        # one signed amount
        "取引日,入出金(円),残高(円),入出金先内容\n20261120,11000,9,ｶ)ﾁｽﾞｾｲｻｸ\n20261120,-500,9,手数料\n20261120,▲5,9,税\n",
        # an amount and a word for its direction
        "取引日付,入払区分,取引金額,振込依頼人名\n2026-11-20,入金,11000,ｶ)ﾁｽﾞｾｲｻｸ\n2026-11-20,出金,999,ﾃﾞﾝｷ\n",
        # the day in three columns
        '"操作日(年)","操作日(月)","操作日(日)","摘要","お支払金額","お預り金額","残高"\n2026,11,20,振込 ｶ)ﾁｽﾞｾｲｻｸ,,11000,1\n',
        "照会口座,番号,勘定日,(起算日),出金金額(円),入金金額(円),残高(円),取引区分,摘要\n普通,1,2026年11月20日,,,11000,1,振込,ｶ)ﾁｽﾞｾｲｻｸ\n",
    ],
)
def test_banks_own_layouts_are_known_by_their_headings(text, encoding):
    assert shown(read(text, encoding)) == CREDIT


def test_the_reference_beside_a_bank_s_line_is_kept():
    (line,) = read("日付,お預り金額,お支払金額,摘要,EDI情報\n2026/11/20,11000,,振込 ｶ)ﾁｽﾞ,100000016\n")
    assert "100000016" in line.reference and line.layout == "bank"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("日付,名前,金額,摘要\n2026-01-01,x,1,\n", "見出し行"),
        ("", "見出し行"),
        ("取引日,入払区分,金額\n2026-11-20,振込,100\n", "入金か出金か"),
        ("日付,お預り金額,お支払金額\n2026-11-20,壱万円,\n", "壱万円"),
        ("日付,お預り金額,お支払金額\n2026-11-20,1.5,\n", "金額"),
        ("日付,お預り金額,お支払金額\n2027-11-20,100,\n", "今日までの日付"),
        ("日付,お預り金額,お支払金額\n令和8年13月1日,100,\n", "今日までの日付"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(text, said):
    with pytest.raises(Invalid) as refusal:
        read(text)
    assert said in str(refusal.value.problem()["errors"])


def test_bytes_of_no_encoding_are_refused():
    for content in (b"\x00\x01\x02", b"\xff\xfe\x00d", b"103" + b"\xfa" * 197):
        with pytest.raises(Invalid):
            bank.read_statement(content, today=TODAY)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和8年11月20日", date(2026, 11, 20)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("平成31年4月30日", date(2019, 4, 30)),
        ("Ｒ８．１１．２０", date(2026, 11, 20)),
        ("2026年1月2日", date(2026, 1, 2)),
        ("20261120", date(2026, 11, 20)),
        ("令和8年2月30日", None),
        ("昨日", None),
    ],
)
def test_days_are_read_as_banks_write_them(text, day):
    assert bank.read_date(text) == day


@pytest.mark.parametrize(
    ("digits", "day"),
    [("081120", date(2026, 11, 20)), ("261120", date(2026, 11, 20)), ("311120", date(2019, 11, 20)), ("081340", None)],
)
def test_six_digits_are_the_era_s_year_or_ours(digits, day):
    assert written.read_six_digits(digits, today=TODAY) == day


# ---- records of 200 bytes


def movements(*lines, account="0001234567", totals=None, today="081120"):
    """A file of 入出金取引明細; lines are (credit, yen, payer, words, edi)."""
    head = f"1030{today * 3}0001{'ﾐﾅﾄ':15}001{'ﾎﾝﾃﾝ':15}0001{account}".ljust(200)
    body = [
        f"2{n:08d}{today}{today}{1 if credit else 2}11{yen:012d}{0:012d}{'0' * 12}0{'0' * 7}000{'0' * 10}"
        f"{payer:48}{'ﾁｽﾞ':15}{'ﾎﾝﾃﾝ':15}{words:20}{edi:20} "
        for n, (credit, yen, payer, words, edi) in enumerate(lines)
    ]
    ins, outs = ([each[1] for each in lines if each[0] is way] for way in (True, False))
    sums = totals or f"{len(ins):06d}{sum(ins):013d}{len(outs):06d}{sum(outs):013d}"
    tail = [f"8{sums}1{0:014d}{len(lines):07d}".ljust(200), f"9{len(lines) + 3:010d}00001".ljust(200)]
    return "\r\n".join([head, *body, *tail, ""]).encode("cp932")


def notice(*lines):
    """A file of 振込入金通知; lines are (yen, payer, undone, edi)."""
    head = f"1010{'081120' * 3}0001{'ﾐﾅﾄ':15}001{'ﾎﾝﾃﾝ':15}11234567".ljust(200)
    body = [
        f"2{n:06d}081120081120{yen:010d}{0:010d}{'0' * 10}{payer:48}{'ﾁｽﾞ':15}{'ﾎﾝﾃﾝ':15}{undone}{edi:20}".ljust(200)
        for n, (yen, payer, undone, edi) in enumerate(lines)
    ]
    ins, outs = ([line[0] for line in lines if line[2] == mark] for mark in (" ", "1"))
    tail = [f"8{len(ins):06d}{sum(ins):012d}{len(outs):06d}{sum(outs):012d}".ljust(200), "9".ljust(200)]
    return "".join([head, *body, *tail]).encode("cp932")


def test_movements_give_their_credits_and_agree_with_their_totals():
    content = movements(
        (True, 11_000, "ｶ)ﾁｽﾞｾｲｻｸ", "", "100000016"), (False, 440, "", "ﾃｽｳﾘﾖｳ", ""), (True, 5, "", "ﾘｿｸ", "")
    )
    first, interest = bank.read_statement(content, today=TODAY, account=ACCOUNT)
    assert (first.received_on, first.payer, first.amount_jpy, first.reference) == (
        date(2026, 11, 20),
        "ｶ)ﾁｽﾞｾｲｻｸ",
        11_000,
        "100000016",
    )
    assert interest.payer == "ﾘｿｸ"


def test_a_notice_gives_its_credits_and_what_was_undone_goes():
    content = notice((11_000, "ｶ)ﾁｽﾞ", " ", "1"), (500, "ﾅｿﾞ", " ", ""), (500, "ﾅｿﾞ", "1", ""))
    assert shown(bank.read_statement(content, today=TODAY)) == [("2026-11-20", "ｶ)ﾁｽﾞ", 11_000)]
    with pytest.raises(Invalid, match="取り消された入金"):
        bank.read_statement(notice((500, "ﾅｿﾞ", "1", "")), today=TODAY)


LINE = (True, 11_000, "ｶ)ﾁｽﾞ", "", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (movements(LINE, totals=f"{1:06d}{10_999:013d}{0:06d}{0:013d}"), "合計が明細と一致しません"),
        (movements(LINE, totals=f"{2:06d}{11_000:013d}{0:06d}{0:013d}"), "合計が明細と一致しません"),
        (movements(LINE)[:-3], "200バイト"),
        (movements(LINE)[:606], "エンドレコード"),
        (movements(LINE)[:404], "エンドレコード"),
        (movements(LINE).replace(b"\r\n8", b"\r\n5"), "データ区分"),
        (movements(LINE, account="0007654321"), "運営者の口座の明細ではありません"),
        (movements(LINE, today="081399"), "勘定日"),
        (b"1090" + movements(LINE)[4:], "見出し行"),
        (b"1031" + movements(LINE)[4:], "JIS"),
    ],
)
def test_records_that_disagree_are_refused(content, said):
    with pytest.raises(Invalid) as refusal:
        bank.read_statement(content, today=TODAY, account=ACCOUNT)
    assert said in str(refusal.value.problem()["errors"])


LINES = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(1, 10**11),
        st.text("ｱｶﾞﾟ)(- A1", max_size=48),
        st.text("ｱA1", max_size=20),
        st.text("0123456789", max_size=20),
    ),
    max_size=6,
)


@given(LINES)
@settings(max_examples=30, deadline=None)
def test_what_a_bank_writes_in_records_is_read_back(lines):
    found = bank.read_statement(movements(*lines), today=TODAY)
    wanted = [(yen, (payer or words).strip()) for credit, yen, payer, words, _ in lines if credit and payer.strip()]
    assert [
        (x.amount_jpy, x.payer) for x in found if x.number - 2 in [n for n, line in enumerate(lines) if line[2].strip()]
    ] == wanted
    assert sum(x.amount_jpy for x in found) == sum(yen for credit, yen, *_ in lines if credit)


# ---- records of 120 bytes


TRANSFERS = st.lists(
    st.tuples(
        st.integers(1, 9_999_999_999),
        st.text("アガパャー漢a1ｱﾞ¥「(", min_size=0, max_size=50),
        st.text("0123456789", min_size=7, max_size=7),
    ),
    min_size=1,
    max_size=8,
)


@given(TRANSFERS)
@settings(max_examples=30, deadline=None)
def test_a_transfer_file_is_read_back_to_what_was_ordered(orders):
    transfers = [
        bank.Transfer(ACCOUNT | {"account_holder_kana": holder, "account_number": number}, yen, f"REF{n}")
        for n, (yen, holder, number) in enumerate(orders)
    ]
    file = bank.zengin_file(transfers, account=ACCOUNT, consignor_code="12345", consignor="ナカダチ", transfer_on=TODAY)
    records = file.split(b"\r\n")
    assert records.pop() == b"" and {len(record) for record in records} == {120}
    head, *data, tail, end = [record.decode("cp932") for record in records]
    assert (head[:14], head[54:58], end.strip()) == ("12100000012345", "1130", "9")
    assert [(int(r[80:90]), r[43:50], r[91:111].strip()) for r in data] == [
        (y, n, f"REF{i}") for i, (y, _, n) in enumerate(orders)
    ]
    assert (int(tail[1:7]), int(tail[7:19])) == (len(orders), sum(yen for yen, *_ in orders))
    assert all(re.fullmatch(r"[0-9A-Zｦ-ﾟ().\-/\\｢｣ ]*", record) for record in (head, *data))
    assert not any(small in record for record in data for small in "ｧｨｩｪｫｬｭｮｯｰ")


# ---- names


@pytest.mark.parametrize(
    "name",
    [
        "株式会社みなとデータ",
        "ｶ)ﾐﾅﾄﾃﾞｰﾀ",
        "カ）ミナトデータ",
        "ﾐﾅﾄﾃﾞ-ﾀ(ｶ",
        "ミナト　データ（カ）",
        "カブシキガイシャ　ミナトデータ",
        "振込１ ｶ)ﾐﾅﾄ ﾃﾞ-ﾀ",
        "100000016ｶ)ﾐﾅﾄﾃﾞ-ﾀ",
        "(株)みなとデータ",
        "㈱ミナトデータ",
        "フリコミ ドクホウ)ミナトデータ",
        "ユ）ミナトデータ",
    ],
)
def test_one_payer_s_spellings_are_one(name):
    assert bank.payer_key(name) == "ﾐﾅﾄﾃﾞ-ﾀ"


@pytest.mark.parametrize("name", ["カモメ", "シャチホコ", "ユメデータ", "ドクター", "イロハ", "ザイモクヤ"])
def test_a_name_that_begins_like_a_form_keeps_its_letters(name):
    assert bank.payer_key(name) == bank_accounts.holder_name(name)


@given(st.text("アイガパャッーａb1 　株式会社カ)(・ｶﾞ", max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_name_brought_to_one_form_stays_there(name):
    half = bank_accounts.holder_name(name)
    assert bank_accounts.holder_name(half) == half
    key = bank.payer_key(name)
    assert bank_accounts.holder_name(key) == key and not set(key) & set("()・. ")


def test_words_of_a_bank_tell_of_transfers_that_came_back_and_of_money_from_abroad():
    assert bank.is_returned_transfer("振込資金返却 ｶ)ﾐﾅﾄ") and bank.is_returned_transfer("ｸﾐﾓﾄﾞｼ")
    assert bank.is_from_abroad("被仕向外国送金") and bank.is_from_abroad("ｶﾞｲｺｸｿｳｷﾝ ABC LTD")
    assert not bank.is_returned_transfer("振込 ｶ)ﾐﾅﾄ") and not bank.is_from_abroad("ｶ)ﾁｽﾞ")
