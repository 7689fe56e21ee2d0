from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.engine import record as records
from pipetui.engine import values
from pipetui.engine.record import Change, Patch

from .examples import JSON, STEADY

RECORDS = st.dictionaries(
    st.sampled_from(["created", "updated", "step_01", "step_02", "finalize", "_stale", "_revert_target"])
    | st.text(st.characters(exclude_categories=()), max_size=4),
    JSON,
    max_size=6,
)


def test_the_record_is_written_in_pipulates_shape_and_one_order() -> None:
    record = {
        "_revert_target": "step_01",
        "step_02": {"greeting": "Hello Ada!"},
        "step_01": {"name": "Ada"},
        **records.new("2026-01-01T00:00:00Z"),
    }
    assert records.encode(record) == (
        '{"created":"2026-01-01T00:00:00Z","updated":"2026-01-01T00:00:00Z","step_01":{"name":"Ada"},'
        '"step_02":{"greeting":"Hello Ada!"},"_revert_target":"step_01"}'
    )


@STEADY
@given(RECORDS)
def test_a_record_read_back_is_written_the_same(record: dict[str, Any]) -> None:
    text = records.encode(record)
    assert records.encode(values.decode(text)) == text
    assert records.encode(dict(reversed(record.items()))) == text


@STEADY
@given(RECORDS, RECORDS)
def test_a_change_goes_forward_and_back_to_the_byte(before: dict[str, Any], after: dict[str, Any]) -> None:
    change = Change.between(before, after)
    assert records.encode(change.forward.apply(before)) == records.encode(after)
    assert records.encode(change.backward.apply(after)) == records.encode(before)


@STEADY
@given(RECORDS, RECORDS)
def test_a_patch_survives_the_store(before: dict[str, Any], after: dict[str, Any]) -> None:
    patch = Change.between(before, after).forward
    again = Patch.from_json(values.decode(values.encode(patch.to_json())))
    assert records.encode(again.apply(before)) == records.encode(after)


@STEADY
@given(st.lists(RECORDS, max_size=5))
def test_the_fold_of_all_changes_is_the_last_record(versions: list[dict[str, Any]]) -> None:
    changes = [Change.between(before, after) for before, after in zip([{}, *versions], versions, strict=False)]
    assert records.encode(records.fold(change.forward for change in changes)) == records.encode(
        versions[-1] if versions else {}
    )


def test_a_change_sees_what_python_calls_equal() -> None:
    change = Change.between({"step_01": {"n": 1}}, {"step_01": {"n": True}})
    assert change.forward.set == {"step_01": {"n": True}}
    assert Change.between({"a": {"n": 1}}, {"a": {"n": 1}}) == Change(Patch(), Patch())


def test_a_patch_leaves_the_old_record_alone() -> None:
    before = {"step_01": {"list": [1]}}
    after = Patch({"step_02": {}}).apply(before)
    after["step_01"]["list"].append(2)
    assert before == {"step_01": {"list": [1]}}


@pytest.mark.parametrize(
    ("finalize", "is_locked"),
    [({"finalized": True}, True), ({"finalized": False}, False), ({}, False), (None, False), ("yes", False)],
)
def test_a_run_is_locked_by_its_finalize_part(finalize: Any, is_locked: bool) -> None:
    assert records.is_locked({"finalize": finalize}) is is_locked
    assert not records.is_locked({})


def test_the_marks_are_absent_when_empty_and_copies_when_read() -> None:
    record: dict[str, Any] = {"_stale": ["step_02"], "_skipped": {"step_03": "no logs"}}
    records.stale(record).append("step_09")
    records.skipped(record)["step_09"] = ""
    assert record == {"_stale": ["step_02"], "_skipped": {"step_03": "no logs"}}
    assert records.stale({}) == []
    assert records.skipped({}) == {}


@pytest.mark.parametrize("mark", [None, 1, "step_01", [None], {"step_01": None}])
def test_marks_of_another_shape_are_read_without_harm(mark: Any) -> None:
    assert all(isinstance(id, str) for id in records.stale({"_stale": mark}))
    assert all(isinstance(why, str) for why in records.skipped({"_skipped": mark}).values())


def test_the_jobs_in_force_are_those_that_the_record_names() -> None:
    record = {
        "created": "now",
        "step_01": {"urls": [], "input": "x", "job": "j1"},
        "step_02": {"input": "x", "job": "j2"},
        "step_03": {"input": "x"},
        "step_04": {"job": 4},
    }
    assert records.jobs(record) == {"j1", "j2"}
