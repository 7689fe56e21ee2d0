import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.widgets import rows
from pipetui.widgets.rows import CsvRows, ListRows, cells, split_rows

CELL = st.text(st.sampled_from('ab,"\n é漢'), max_size=8)
TABLE = st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=40)


def written(table: list[list[str]], ending: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending).writerows([["a", "b", "c"], *table])
    return text.getvalue().encode()


def read(path: Path) -> CsvRows:
    result = CsvRows(path)
    result.index(lambda: False, lambda: None)
    return result


@given(TABLE, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from([16, 64, 4096]))
def test_every_table_that_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], ending: str, is_ended: bool, block: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    data = written(table, ending)
    path.write_bytes(data if is_ended else data.removesuffix(ending.encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "BLOCK", block)
        found = read(path)
        assert [list(found.row(number)) for number in range(found.count)] == table
    assert found.columns == ["a", "b", "c"]
    assert found.complete


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'5" disk,x\nb\n', [b'5" disk,x', b"b"]),  # a quote inside a field is a character
        (b'"a\nb",c\nd\n', [b'"a\nb",c', b"d"]),
        (b'"say ""hi""\n",c\nd', [b'"say ""hi""\n",c']),
        (b'a\n"open', [b"a"]),
        (b"", []),
    ],
)
def test_rows_are_split_outside_of_quotes(data: bytes, expected: list[bytes]) -> None:
    found, end = split_rows(data)
    assert found == expected
    assert data[:end].endswith(b"\n") or not found


def test_a_quote_that_is_never_closed_costs_its_line_only(tmp_path: Path) -> None:
    path = tmp_path / "open.csv"
    path.write_bytes(b'a,b\n1,2\n"open,3\n' + b"x,y\n" * 400_000)
    found = read(path)
    assert found.count == 400_002
    assert found.row(0) == ["1", "2"]
    assert found.row(400_001) == ["x", "y"]


def test_bytes_that_are_no_text_and_broken_rows_are_shown_somehow() -> None:
    assert cells(b"caf\xe9,x\r") == ["caf\ufffd", "x"]
    assert cells(b'"' + b"x" * 200_000 + b'",y')[-1] == "y"
    assert cells(b"") == []


def test_a_file_with_a_header_only_and_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("\ufeffurl,title\n")
    found = read(path)
    assert (found.columns, found.count, found.row(0)) == (["url", "title"], 0, ())
    path.write_text("")
    assert (read(path).columns, read(path).complete) == ([], True)


def test_the_index_stops_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + "1,2\n" * 200_000)
    found = CsvRows(path)
    first = found.count
    found.index(lambda: True, lambda: None)
    assert 0 < found.count == first
    assert 0 < found.share < 1


def test_rows_in_memory_end_where_they_end() -> None:
    found = ListRows(["a"], [[1], [2]])
    assert (found.count, found.row(1), found.row(2), found.row(-1)) == (2, [2], (), ())
