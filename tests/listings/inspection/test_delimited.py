"""CSV and TSV as municipalities write them."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listings.inspection import Inspection, inspect

FACILITIES = "施設名,所在地,定員\r\n中央公民館,高松市番町一丁目8-15,120\r\n図書館,高松市昭和町一丁目2-20,85\r\n"


def kinds(found: Inspection) -> set[str]:
    return {problem.kind for problem in found.problems}


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-bom"),
        ("cp932", "cp932"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("euc-jp", "euc-jp"),
        ("iso-2022-jp", "iso-2022-jp"),
    ],
)
def test_every_encoding_gives_the_same_table(read, codec, said):
    found = read("shisetsu.csv", FACILITIES.encode(codec))
    assert (found.outcome, found.encoding, found.rows, found.header_row) == ("ready", said, 2, 1)
    assert [(c.name, c.type) for c in found.columns] == [("施設名", "text"), ("所在地", "text"), ("定員", "integer")]
    assert found.sample[0] == ("中央公民館", "高松市番町一丁目8-15", "120")


def test_tabs_and_semicolons_are_seen(read):
    assert read("a.tsv", FACILITIES.replace(",", "\t")).delimiter == "\t"
    assert read("a.csv", FACILITIES.replace(",", "\t")).format == "tsv"
    assert read("a.csv", FACILITIES.replace(",", ";")).delimiter == ";"


def test_title_rows_above_the_header_are_passed_over(read):
    found = read("a.csv", f"公共施設一覧,,\n,,令和8年4月1日現在\n\n{FACILITIES}")
    assert (found.header_row, found.rows) == (4, 2)
    assert "title_rows" in kinds(found)
    assert found.columns[0].name == "施設名"


def test_a_line_break_in_a_cell_is_no_new_row(read):
    found = read("a.csv", 'a,b\r\n1,"x\r\ny, ""z"""\r\n2,w\r\n')
    assert found.rows == 2
    assert found.sample[0] == ("1", 'x\ny, "z"')


def test_names_that_repeat_or_lack_are_made_unique(read):
    found = read("a.csv", "名前,値,値,,VALUE,value\nx,1,2,3,4,5\n")
    assert [c.name for c in found.columns] == ["名前", "値", "値_2", "列4", "VALUE", "value_2"]
    assert {"repeated_names", "unnamed_columns"} <= kinds(found)


def test_groups_over_a_header_join_its_names(read):
    found = read("a.csv", "年,総数,,外国人,\n,男,女,男,女\n2025,1,2,3,4\n2026,5,6,7,8\n")
    assert [c.name for c in found.columns] == ["年", "総数_男", "総数_女", "外国人_男", "外国人_女"]
    assert (found.header_row, found.rows) == (2, 2)


def test_a_table_without_header_gets_plain_names(read):
    found = read("a.csv", "01101,060,0600000\n01101,064,0640941\n01102,001,0010010\n")
    assert (found.header_row, found.rows) == (None, 3)
    assert [c.name for c in found.columns] == ["列1", "列2", "列3"]


def test_years_across_the_top_are_a_header(read):
    assert read("a.csv", "地区,2020,2025,2030\n中央,5,6,7\n東,8,9,10\n").header_row == 1


def test_ragged_rows_are_read_and_named(read):
    found = read("a.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n")
    assert found.rows == 4
    long = next(p for p in found.problems if p.kind == "too_many_cells")
    short = next(p for p in found.problems if p.kind == "too_few_cells")
    assert (long.line, short.line) == (4, 3)
    assert "4行目" in str(long.message)


def test_a_wrong_byte_deep_in_the_file_is_named_by_its_line(read):
    lines = ["番号,名称"] + [f"{n},中央公民館" for n in range(2, 90_000)]
    content = "\n".join(lines).encode() + b"\n90000,\xe3\x81\xff\n" + "90001,図書館\n".encode()
    found = read("a.csv", content)
    problem = next(p for p in found.problems if p.kind == "encoding")
    assert (found.outcome, found.rows, problem.line) == ("ready", 90_000, 90_000)


def test_an_unclosed_quote_is_named_by_its_line(read):
    found = read("a.csv", 'a,b\n1,2\n3,"4\n5,6\n7,8\n9,10\n')
    assert next(p for p in found.problems if p.kind == "unclosed_quote").line == 3


def test_types_are_given_only_where_every_cell_has_them(read):
    found = read(
        "a.csv",
        "コード,数,率,日,時刻,有効,和暦,全角,空\n"
        "01101,1,0.5,2026-04-01,2026-04-01 09:00,true,令和8年4月1日,１２,\n"
        "13101,-2,1,2026/4/2,2026-04-02T10:30:00,false,平成30年1月,３,\n"
        "47201,,1e-05,2026年4月3日,2026-04-03 00:00:01,true,R8.4.1,４,\n",
    )
    assert [c.type for c in found.columns] == [
        "text", "integer", "decimal", "date", "datetime", "boolean", "text", "text", "text",
    ]  # fmt: skip
    assert [c.nullable for c in found.columns[:3]] == [False, True, False]


def test_the_twin_is_typed_and_complete(read):
    found = read("a.csv", "コード,数,日,名\n01101,1,2026-04-01,a\n13101,,2026-04-02,b\n")
    assert found.parquet is not None
    table = pq.read_table(found.parquet.path)
    assert [str(t) for t in table.schema.types] == ["string", "int64", "date32[day]", "string"]
    assert table.column("数").to_pylist() == [1, None]
    assert table.column("コード").to_pylist() == ["01101", "13101"]
    assert found.parquet.size == found.parquet.path.stat().st_size


def test_what_spoils_a_column_of_numbers_is_said_with_its_line(read):
    rows = "\n".join(f"{n},{n * 10}" for n in range(1, 9))
    found = read("a.csv", f"番号,人口\n{rows}\n9,－\n")
    problem = next(p for p in found.problems if p.kind == "mixed_values")
    assert (problem.column, problem.line, problem.count) == ("人口", 10, 1)
    assert "空欄" in str(problem.mend)


def test_text_files_are_tables_only_if_they_look_it(read):
    assert read("stops.txt", "stop_id,stop_name\n1,駅前\n2,市役所\n").format == "csv"
    note = read("readme.txt", "これは説明です。\n二行目、つづき。\n")
    assert (note.outcome, note.format, note.scanned) == ("ready", "other", False)


def test_a_million_columns_are_refused(read):
    found = read("a.csv", ",".join(map(str, range(1_000_000))) + "\n")
    assert found.outcome == "refused"
    assert "2000列まで" in str(found.reason)


def test_a_row_of_a_million_cells_later_on_is_refused(read):
    assert read("a.csv", "a,b\n1,2\n" * 5000 + "," * 2_000_000 + "\n").outcome == "refused"


@pytest.mark.parametrize("content", [b"", b" ", b"\n\n\n", b"\xef\xbb\xbf", b",,,\n,,,\n"])
def test_files_without_any_value_are_refused(read, content):
    assert read("a.csv", content).outcome == "refused"


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>",
        b"\xef\xbb\xbf\n<!-- x --><html lang='ja'><body>error</body></html>",
        b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>',
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        b"PK\x03\x04" + bytes(200),
        bytes(range(256)) * 50,
    ],
)
def test_what_is_no_text_table_is_refused_with_what_to_do(read, content):
    found = read("population.csv", content)
    assert found.outcome == "refused"
    assert "ください" in str(found.reason)


def test_an_error_page_is_called_by_its_title(read):
    found = read("a.csv", "<html><title>エラー 404 - オープンデータ</title></html>")
    assert "エラー 404" in str(found.reason)


CELLS = st.text(st.sampled_from("あ亜アｱ漢字表ソ能０1２,\"\n;\t 'abc-_.高﨑①"), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-be"]),
)
def test_cells_come_out_as_they_went_in(tmp_path_factory, rows, codec):
    header = ["施設名", "所在地の表記", "備考欄"]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [header, *rows]]
    content = ("\r\n".join(quoted) + "\r\n").encode(codec)
    room = tmp_path_factory.mktemp("round")
    (room / "upload").write_bytes(content)
    found = inspect(room / "upload", "a.csv", "", workdir=room)
    kept = [tuple(c if not c.isspace() else "" for c in row) for row in rows if "".join(row).strip()]
    assert found.outcome == "ready"
    assert found.rows == len(kept)
    assert list(found.sample) == kept


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(lambda words: words.encode("utf-8", "surrogatepass")),
        st.text(st.sampled_from('{}[]",:01aあ\\\n'), max_size=120).map(str.encode),
        st.binary(max_size=100).map(lambda rest: b"PK\x03\x04" + rest),
        st.binary(max_size=100).map(lambda rest: b"PAR1" + rest + b"PAR1"),
    ),
    ending=st.sampled_from(["csv", "tsv", "txt", "xlsx", "xls", "json", "geojson", "parquet", "zip", "dat", ""]),
)
def test_no_bytes_under_any_name_raise(tmp_path_factory, content, ending):
    room: Path = tmp_path_factory.mktemp("any")
    (room / "upload").write_bytes(content)
    found = inspect(room / "upload", f"file.{ending}", "", workdir=room)
    assert found.outcome in ("ready", "refused")
    assert (found.reason is not None) == (found.outcome == "refused")
    assert found.size == len(content)
