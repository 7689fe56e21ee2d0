"""What can be copied of each kind of view."""

from pathlib import Path

from pipetui.engine.views import Chart, File, Files, Heat, Markdown, Stack, Table, Text
from pipetui.widgets.copies import copies, row_copies, value_text


def test_each_part_of_a_stack_is_named() -> None:
    stack = Stack([
        Table(["url", "status"], [["/a\nb", 200], ["/c", None]]),
        Text("curl …", title="the count as curl"),
        Text("one"),
        Markdown("**two**"),
        Chart([("depth 1", 12), ("depth 2", 0.5)]),
        Heat(["home"], ["home", "product"], [[1, 2]]),
        Table(file=Path("/runs/x.csv")),
        Files([File(Path("/runs/edges.csv"), 12)]),
        Table(["nothing"], []),
    ])  # fmt: skip
    assert copies(stack) == [
        ("the table", "url\tstatus\n/a b\t200\n/c\t"),
        ("the count as curl", "curl …"),
        ("the text 1", "one"),
        ("the text 2", "**two**"),
        ("the chart's numbers", "depth 1\t12\ndepth 2\t0.5"),
        ("the matrix", "\thome\tproduct\nhome\t1\t2"),
        ("the path of the file", "/runs/x.csv"),
        ("the path of edges.csv", "/runs/edges.csv"),
    ]
    assert copies(None) == []


def test_of_a_row_each_cell_and_all_of_them() -> None:
    long = "https://x.example/" + "a" * 500
    assert row_copies(["url", "title", ""], [long, None, 7, "more"]) == [
        ("url", long),
        ("the cell", "7"),
        ("column 4", "more"),
        ("the row", f"{long}\t\t7\tmore"),
    ]
    assert row_copies(["url"], ["/a"]) == [("url", "/a")]


def test_a_value_is_text_lines_or_json() -> None:
    assert value_text("a\tb") == "a\tb"
    assert value_text(["a", "b"]) == "a\nb"
    assert value_text([]) == "[]"
    assert value_text({"größe": 1}) == '{\n  "größe": 1\n}'
