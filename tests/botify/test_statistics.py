"""What the columns of a CSV hold."""

from pathlib import Path

from pipetui.botify import STATISTICS, column_statistics
from pipetui.botify.statistics import AT_ONCE, DISTINCT, SHOWN


def test_numbers_texts_and_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeffurl,depth,mixed,none\n/b,10,1,\n"/a,x",9,x,\n/b,,2\n', "utf-8")
    seen: list[tuple[float, float, str]] = []
    rows, lines = column_statistics(path, lambda *progress: seen.append(progress))
    assert rows == 3 and seen == [(path.stat().st_size, path.stat().st_size, "3 rows")]
    found = {line[0]: dict(zip(STATISTICS[1:], line[1:], strict=True)) for line in lines}
    assert found["url"] == {
        "filled": "3", "empty": "0", "distinct": "2", "min": "/a,x", "max": "/b", "most frequent": "/b", "times": "2",
    }  # fmt: skip
    assert (found["depth"]["min"], found["depth"]["max"]) == ("9", "10"), "numbers by their size"
    assert (found["mixed"]["min"], found["mixed"]["max"]) == ("1", "x"), "texts by their letters"
    assert found["mixed"]["most frequent"] == found["mixed"]["times"] == "", "none is more frequent than another"
    assert (found["none"]["filled"], found["none"]["empty"], found["none"]["min"]) == ("0", "3", "")


def test_many_values_are_counted_as_many_and_long_ones_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    number = AT_ONCE + DISTINCT
    path.write_text("n,long\n" + "".join(f"{row},{'x' * (SHOWN + 1)}\n" for row in range(number)))
    rows, [numbers, long] = column_statistics(path, lambda *progress: None)
    assert rows == number and numbers[3] == f"more than {DISTINCT:,}" and numbers[5] == str(number - 1)
    assert long[4] == "x" * SHOWN and long[7] == f"{number:,}"


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert column_statistics(tmp_path / "a.csv", lambda *progress: None) == (0, [])
