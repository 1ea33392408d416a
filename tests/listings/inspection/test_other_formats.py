"""Workbooks, JSON, GeoJSON, Parquet and ZIP, sound and otherwise."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from datetime import date

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def workbook(*sheets: tuple[str, list[list[object]]], **hidden: bool) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if hidden.get(title):
            sheet.sheet_state = "hidden"
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def archive(*members: tuple[str | zipfile.ZipInfo, bytes | str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return packed.getvalue()


TABLE = [["施設名", "開設日", "定員"], ["中央公民館", date(2020, 4, 1), 120], ["図書館", date(2021, 4, 1), 85.0]]


def kinds(found):
    return {problem.kind for problem in found.problems}


def test_a_workbook_is_read_with_its_types(read):
    found = read("a.xlsx", workbook(("一覧", TABLE)))
    assert (found.format, found.header_row, found.rows) == ("xlsx", 1, 2)
    assert [(c.name, c.type) for c in found.columns] == [("施設名", "text"), ("開設日", "date"), ("定員", "integer")]
    assert found.sample[1] == ("図書館", "2021-04-01", "85")


def test_the_first_sheet_with_a_table_is_read_and_the_others_named(read):
    found = read("a.xlsx", workbook(("表紙", []), ("隠し", TABLE), ("令和8年", TABLE), ("令和7年", TABLE), 隠し=True))
    assert [(s.name, s.read, s.hidden) for s in found.sheets] == [
        ("表紙", False, False), ("隠し", False, True), ("令和8年", True, False), ("令和7年", False, False),
    ]  # fmt: skip
    assert {"other_sheets", "hidden_sheets"} <= kinds(found)


def test_title_rows_and_cell_addresses_of_a_workbook(read):
    rows: list[list[object]] = [["公共施設一覧"], [None, None, "令和8年4月1日"], [], *TABLE]
    rows += [[f"施設{n}", date(2022, 4, n), n] for n in range(1, 9)] + [["最後", date(2022, 5, 1), "約50人"]]
    found = read("a.xlsx", workbook(("一覧", rows)))
    assert (found.header_row, found.rows) == (4, 11)
    problem = next(p for p in found.problems if p.kind == "mixed_values")
    assert (problem.cell, problem.sheet) == ("C15", "一覧")


@pytest.mark.parametrize("cut", [0, 10, 0.5, 0.99])
def test_a_truncated_workbook_is_refused(read, cut):
    whole = workbook(("一覧", TABLE))
    found = read("a.xlsx", whole[: int(cut * len(whole)) if isinstance(cut, float) else cut])
    assert found.outcome == "refused"
    assert "もう一度アップロード" in str(found.reason)


def test_a_workbook_with_flipped_bytes_is_refused(read):
    whole = bytearray(workbook(("一覧", TABLE)))
    at = zipfile.ZipFile(io.BytesIO(whole)).getinfo("xl/worksheets/sheet1.xml").header_offset + 100
    whole[at : at + 20] = b"x" * 20
    assert read("a.xlsx", bytes(whole)).outcome == "refused"


def test_a_workbook_that_unpacks_to_more_than_the_limit_is_refused(read, monkeypatch):
    from listings.inspection import workbooks

    monkeypatch.setattr(workbooks, "WORKBOOK_UNPACKED_BYTES_MAX", 3000)
    assert "展開すると" in str(read("a.xlsx", workbook(("一覧", TABLE))).reason)


def test_a_cell_far_out_fills_no_memory(read):
    book = openpyxl.Workbook()
    book.active["A1"] = "a"
    book.active["XFD1048576"] = "z"
    packed = io.BytesIO()
    book.save(packed)
    assert read("a.xlsx", packed.getvalue()).outcome == "refused"


def test_an_encrypted_workbook_says_take_the_password_off(read):
    found = read("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000))
    assert "パスワード" in str(found.reason)


def test_json_records_become_columns_of_all_their_keys(read):
    found = read("a.json", '[{"名": "x", "数": 1}, {"名": "y", "緯度": 35.1, "他": {"a": [1]}, "真": true}]')
    assert (found.format, found.rows) == ("json", 2)
    assert [(c.name, c.type) for c in found.columns] == [
        ("名", "text"), ("数", "integer"), ("緯度", "decimal"), ("他", "text"), ("真", "boolean"),
    ]  # fmt: skip


def test_json_lines_are_records(read):
    assert read("a.jsonl", '{"a": 1}\n{"a": 2}\n{"b": 3}\n').rows == 3


@pytest.mark.parametrize("content", ["3", '"x"', "[1, 2]", '{"a": 1}', "[]", "[" * 50_000 + "]" * 50_000])
def test_json_without_rows_is_stored(read, content):
    found = read("a.json", content)
    assert (found.outcome, found.rows, found.scanned) == ("ready", None, False)


@pytest.mark.parametrize("content", ['[{"a": 1},]', '[{"a": 1}, {"a"', '{"a": 1', '[{"a": 1}] x', "[{'a': 1}]", "nan,"])
def test_broken_json_is_refused_with_its_line(read, content):
    found = read("a.json", "\n\n" + content)
    assert found.outcome == "refused"
    assert "3行目" in str(found.reason)


def test_a_large_json_is_read_in_pieces(read):
    records = [{"id": n, "名称": "中央公民館" * 5, "値": n / 4} for n in range(60_000)]
    found = read("a.json", json.dumps(records, ensure_ascii=False))
    assert (found.rows, found.columns[0].distinct) == (60_000, 60_000)
    assert found.columns[2].type == "decimal"


def test_geojson_has_properties_and_a_geometry(read):
    feature = {
        "type": "Feature",
        "properties": {"名称": "駅", "数": 3},
        "geometry": {"type": "Point", "coordinates": [139.7, 35.6]},
    }
    square = [[[0, 0], [1, 0], [1, 1], [0, 0]]]
    other = {"type": "Feature", "properties": {"名称": "区"}, "geometry": {"type": "Polygon", "coordinates": square}}
    empty = {"type": "Feature", "properties": None, "geometry": None}
    found = read(
        "a.geojson", json.dumps({"type": "FeatureCollection", "name": "x", "features": [feature, other, empty]})
    )
    assert (found.format, found.rows) == ("geojson", 3)
    assert [(c.name, c.type) for c in found.columns] == [("名称", "text"), ("数", "integer"), ("geometry", "geometry")]
    assert found.sample[0][2] == "POINT (139.7 35.6)"
    assert found.sample[1][2] == "POLYGON ((0 0, 1 0, 1 1, 0 0))"
    assert "no_geometry" in kinds(found)


def test_parquet_keeps_its_types_and_is_its_own_twin(read):
    packed = io.BytesIO()
    table = pa.table(
        {"コード": ["01", "02"], "数": [1, None], "日": [date(2026, 4, 1), None], "物": [b"\x00", b"\xff"]}
    )
    pq.write_table(table, packed)
    found = read("a.parquet", packed.getvalue())
    assert [c.type for c in found.columns] == ["text", "integer", "date", "binary"]
    assert (found.rows, found.parquet.sha256) == (2, found.sha256)


def test_damaged_parquet_is_refused(read):
    packed = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(5000))}), packed, compression="none")
    whole = packed.getvalue()
    assert read("a.parquet", whole[:-20]).outcome == "refused"
    assert read("a.parquet", b"PAR1" + bytes(1000) + b"PAR1").outcome == "refused"
    assert read("a.parquet", whole[: len(whole) // 2] + whole[-400:]).outcome == "refused"


def test_a_zip_is_listed_with_what_each_file_holds(read):
    found = read(
        "gtfs.zip",
        archive(
            ("stops.txt", "stop_id,stop_name\n1,駅前\n2,市役所\n"),
            ("施設.csv", "施設名,電話番号\n公民館,087-839-2011\n".encode("cp932")),
            ("読んでください.pdf", b"%PDF-1.7"),
        ),
    )
    assert [(m.name, m.inspection.format, m.inspection.rows) for m in found.members] == [
        ("stops.txt", "csv", 2), ("施設.csv", "csv", 1), ("読んでください.pdf", "other", None),
    ]  # fmt: skip
    assert [(f.kind, f.column) for f in found.findings] == [("phone", "施設.csv: 電話番号")]
    assert not found.scanned


def test_names_that_windows_wrote_in_cp932_are_read(read):
    packed = bytearray(archive(("aaaa.csv", "a,b\n1,2\n")))
    name = "人口".encode("cp932")
    assert read("a.zip", bytes(packed.replace(b"aaaa", name))).members[0].name == "人口.csv"


@pytest.mark.parametrize("name", ["../evil.csv", "a/../../evil.csv", "/etc/evil.csv", "..\\evil.csv", "C:\\evil.csv"])
def test_a_zip_that_would_break_out_is_refused(read, name):
    found = read("a.zip", archive(("fine.csv", "a,b\n1,2\n"), (name, "a,b\n1,2\n")))
    assert found.outcome == "refused"
    assert "evil.csv" in str(found.reason)


def test_links_and_secrets_in_a_zip_are_refused(read):
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    assert "シンボリックリンク" in str(read("a.zip", archive((link, "/etc/passwd"))).reason)
    locked = bytearray(archive(("a.csv", "a,b\n1,2\n")))
    at = locked.index(b"PK\x01\x02") + 8
    locked[at : at + 2] = struct.pack("<H", 1)
    assert "パスワード" in str(read("a.zip", bytes(locked)).reason)


def test_a_zip_bomb_is_refused_unopened(read):
    assert "ZIP爆弾" in str(read("a.zip", archive(("a.csv", bytes(40_000_000)))).reason)


def test_a_bomb_inside_a_zip_is_refused(read):
    bomb = archive(("a.csv", bytes(40_000_000)))
    assert read("a.zip", archive(("inner.zip", bomb))).outcome == "refused"


def test_zips_in_zips_go_one_deep(read):
    inner = archive(("a.csv", "a,b\n1,2\n"))
    middle = archive(("inner.zip", inner))
    assert read("a.zip", middle).members[0].inspection.members[0].inspection.rows == 1
    assert read("a.zip", archive(("middle.zip", middle))).outcome == "refused"


def test_a_zip_that_lies_about_its_sizes_is_refused(read):
    whole = bytearray(archive(("a.csv", b"a,b\n" + b"1,2\n" * 50_000)))
    at = whole.index(b"PK\x01\x02") + 24
    whole[at : at + 4] = struct.pack("<I", 100)
    assert read("a.zip", bytes(whole)).outcome == "refused"


def test_too_many_members_and_truncation_are_refused(read):
    many = archive(*((f"{n}.csv", "") for n in range(1001)))
    assert "1000個まで" in str(read("a.zip", many).reason)
    assert read("a.zip", archive(("a.csv", "a,b\n1,2\n"))[:-30]).outcome == "refused"


def test_an_unreadable_member_is_named_and_the_zip_kept(read):
    found = read("a.zip", archive(("good.csv", "a,b\n1,2\n"), ("bad.csv", "<html><title>404</title></html>")))
    assert found.outcome == "ready"
    assert [p.member for p in found.problems if p.kind == "member_unreadable"] == ["bad.csv"]


def test_anything_else_is_stored_and_not_previewed(read):
    found = read("map.shp", bytes(range(256)))
    assert (found.outcome, found.format, found.rows, found.parquet) == ("ready", "other", None, None)
    assert kinds(found) == {"not_previewed"}


def test_an_error_of_our_own_becomes_stored_not_previewed(read, monkeypatch):
    from listings.inspection import reading

    def panic(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(reading, "profile", panic)
    found = read("a.csv", "a,b\n1,2\n")
    assert (found.outcome, found.scanned) == ("ready", False)


def test_the_record_is_plain_json_and_its_words_can_be_shown(read):
    from listings.inspection import shown

    found = read("a.zip", archive(("a.csv", "氏名,電話\n山田太郎,090-1234-5678\n"), ("b.csv", "")))
    again = json.loads(json.dumps(found.record()))
    assert again["members"][0]["inspection"]["rows"] == 1
    assert shown(again["members"][1]["inspection"]["reason"]).startswith("ファイルが空")
