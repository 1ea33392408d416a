"""What looks like personal data is asked about; what merely resembles it is not."""

from __future__ import annotations

import random

import pytest

from listings.inspection.personal_data import MY_NUMBER_WEIGHTS, begins_with_surname, is_my_number, looks_like_a_person


def my_number(eleven: str) -> str:
    rest = sum(int(d) * w for d, w in zip(eleven, MY_NUMBER_WEIGHTS, strict=True)) % 11
    return eleven + str(0 if rest <= 1 else 11 - rest)


MY_NUMBERS = [my_number(f"{n * 7919 + 10**10:011d}") for n in range(1, 9)]
# Twelve digits with a wrong check digit, as an order number has nine times in ten.
ORDER_NUMBERS = [number[:11] + str((int(number[11]) + 1) % 10) for number in MY_NUMBERS]


def kinds(found):
    return {(f.kind, f.column): f.count for f in found.findings}


def column(header, values):
    return f"番号,{header}\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values, 1))


def test_the_check_digit():
    assert is_my_number("123456789018")
    assert not is_my_number("123456789012")
    assert not is_my_number("1234567890180")
    assert not is_my_number("１２３４５６７８９０１８")


@pytest.mark.parametrize("form", [
    lambda n: n,
    lambda n: f"{n[:4]}-{n[4:8]}-{n[8:]}",
    lambda n: f"{n[:4]} {n[4:8]} {n[8:]}",
    lambda n: n.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
])  # fmt: skip
def test_my_numbers_block_under_any_header_and_in_any_form(read, form):
    found = read("a.csv", column("管理ID", map(form, MY_NUMBERS)))
    assert kinds(found) == {("my_number", "管理ID"): 8}
    assert found.blocking
    assert not any(d in sample for sample in found.findings[0].samples for d in "0123456789")


def test_a_header_that_says_so_is_enough(read):
    assert kinds(read("a.csv", column("マイナンバー", ["123456789012"]))) == {("my_number", "マイナンバー"): 1}


def test_a_my_number_in_a_sentence_is_seen(read):
    found = read("a.csv", column("備考", [f"マイナンバーは{MY_NUMBERS[0]}です", "なし"]))
    assert ("my_number", "備考") in kinds(found)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("注文番号", ORDER_NUMBERS),
        ("法人番号", ["8000020131032", "6000020271004", "7000012050002"]),
        ("マイナンバーカード交付枚数", ["120", "4501", "33"]),
        ("町字ID", ["0001000", "0002001"]),
        ("JANコード", ["4901234567894", "4901234567900"]),
    ],
)
def test_other_numbers_are_no_my_numbers(read, header, values):
    assert not read("a.csv", column(header, values)).findings


def test_random_twelve_digits_hardly_ever_pass(read):
    chance = random.Random(5)
    values = [f"{chance.randrange(10**12):012d}" for _ in range(200)]
    assert not read("a.csv", column("伝票番号", values)).findings


def test_my_numbers_that_excel_made_numbers_of(read):
    import io

    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["番号", "ID"])
    for n, number in enumerate(MY_NUMBERS):
        book.active.append([n, float(number)])
    packed = io.BytesIO()
    book.save(packed)
    assert ("my_number", "ID") in kinds(read("a.xlsx", packed.getvalue()))


NAMES = ["山田太郎", "佐藤 花子", "高橋　一郎", "谷川 健"]


@pytest.mark.parametrize(
    "header", ["氏名", "名前", "担当者", "代表者名", "フリガナ", "保護者氏名", "施設代表者", "full_name"]
)
def test_headers_of_persons(read, header):
    assert kinds(read("a.csv", column(header, NAMES))) == {("name", header): 4}


def test_names_are_seen_without_a_header_that_says_so(read):
    assert ("name", "A") in kinds(read("a.csv", column("A", NAMES)))


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("施設名", ["中央公民館", "山田公園", "高橋小学校"]),
        ("名称", ["市役所", "図書館", "山口駅"]),
        ("name", ["市役所", "図書館", "アルミ缶", "アイロン"]),
        ("町名", ["山田町", "中村", "田中町"]),
        ("担当課", ["環境課", "市民課", "税務課"]),
        ("管理者", ["高松市", "香川県", "国土交通省四国地方整備局"]),
        ("氏名の有無", ["有", "無", "有"]),
        ("代表者電話の有無", ["有", "無", "有"]),
    ],
)
def test_places_and_offices_are_no_persons(read, header, values):
    assert not read("a.csv", column(header, values)).findings


def test_the_reading_of_a_facility_is_no_person_but_that_of_a_person_is(read):
    place = read("a.csv", "施設名,フリガナ\n中央公民館,チュウオウコウミンカン\n図書館,トショカン\n")
    person = read("a.csv", "氏名,フリガナ\n山田太郎,ヤマダタロウ\n佐藤花子,サトウハナコ\n")
    assert not place.findings
    assert kinds(person) == {("name", "氏名"): 2, ("name", "フリガナ"): 2}


def test_phones_mails_birthdays_and_addresses(read):
    found = read(
        "a.csv",
        "氏名,生年月日,住所,電話番号,携帯,連絡先,FAX\n"
        "山田太郎,昭和60年4月1日,高松市番町一丁目8-15,(087)839-2011,09012345678,taro@example.jp,839-2012\n"
        "佐藤花子,1990/5/6,高松市昭和町1-2-20,０８７－８３９－２０１２,09087654321,自宅 090-1111-2222,\n",
    )
    assert kinds(found) == {
        ("name", "氏名"): 2,
        ("birth_date", "生年月日"): 2,
        ("address", "住所"): 2,
        ("phone", "電話番号"): 2,
        ("phone", "携帯"): 2,
        ("phone", "連絡先"): 1,
        ("email", "連絡先"): 1,
        ("phone", "FAX"): 1,
    }
    assert not found.blocking
    assert all("2011" not in s and "taro" not in s and "太郎" not in s for f in found.findings for s in f.samples)


def test_the_phone_of_a_town_hall_is_asked_about_its_address_is_not(read):
    found = read(
        "a.csv", "名称,住所,電話番号\n市役所,高松市番町一丁目8-15,087-839-2011\n支所,高松市昭和町1-2,087-839-2012\n"
    )
    assert kinds(found) == {("phone", "電話番号"): 2}


@pytest.mark.parametrize(
    "value",
    ["2026-01-02", "01-02-2026", "12:30-13:45", "0008-001", "35.123456", "http://x.jp/00-0123-4567", "760-8571"],
)
def test_what_is_no_phone(read, value):
    assert not read("a.csv", column("値", [value, value + " "])).findings


def test_numbers_that_identify_by_law_are_found_by_header(read):
    assert kinds(read("a.csv", column("基礎年金番号", ["1234-567890"]))) == {("personal_code", "基礎年金番号"): 1}


@pytest.mark.parametrize(("value", "person"), [
    ("山田太郎", True), ("理事長　新木　一弘", True), ("Taro Yamada", True), ("谷川", True),
    ("環境総務課", False), ("香川県知事", False), ("株式会社山田", False), ("03-1234-5678", False),
])  # fmt: skip
def test_what_could_be_a_person(value, person):
    assert looks_like_a_person(value) is person


def test_surnames_tell_persons_from_places():
    assert begins_with_surname("山田太郎")
    assert not begins_with_surname("山田町")
    assert not begins_with_surname("山田公園")
    assert not begins_with_surname("山田")
