from typing import Any

import pytest

from pipetui.engine.fields import Text
from pipetui.engine.workflow import MOST_STEPS, Step, Workflow, WorkflowError

from .examples import Survey

ONE = Step("step_01", done="name", show="Name", field=Text())


def make(steps: Any = (ONE,), app_name: Any = "hello", **members: Any) -> type[Workflow]:
    """A workflow class made as a file would make it."""
    return type("Hello", (Workflow,), {"APP_NAME": app_name, "steps": steps, **members})


def refused(**arguments: Any) -> str:
    with pytest.raises(WorkflowError) as caught:
        make(**arguments)
    return str(caught.value)


async def job(self: Any, run: Any, job: Any) -> Any: ...


def method(self: Any, run: Any) -> Any: ...


def test_a_right_workflow_is_taken() -> None:
    workflow = make([ONE, Step("finalize", done="finalized", show="Finalize")], DISPLAY_NAME="[b]Hello[/b] 👋")
    assert [step.id for step in workflow.body()] == ["step_01"]
    assert workflow.step("name") is workflow.step("step_01") is ONE


def test_a_step_that_is_not_there_is_a_key_error() -> None:
    for name in ("step_99", "finalize", ""):
        with pytest.raises(KeyError):
            Survey.step(name)


@pytest.mark.parametrize("name", ["../../evil", "Hello", "1st", "", "a b", "a-b", "hello\n", "é", "x" * 41, None, 7])
def test_app_name_must_be_a_plain_word(name: Any) -> None:
    assert refused(app_name=name) == (
        f"APP_NAME must be a-z, 0-9 and _, at most 40 characters; it is {name!r}."
    )  # fmt: skip


@pytest.mark.parametrize("steps", [None, [], (), "step_01", {}, [ONE, None], [{"id": "step_01"}], iter([ONE])])
def test_steps_must_be_a_list_of_step(steps: Any) -> None:
    assert refused(steps=steps) == "Hello.steps must be a list of Step, with at least one."


def test_a_workflow_without_steps_of_its_own_is_refused() -> None:
    assert "no step but finalize" in refused(steps=[Step("finalize", done="finalized", show="Finalize")])


def test_a_workflow_that_says_no_steps_is_refused() -> None:
    with pytest.raises(WorkflowError, match="must be a list of Step"):
        type("Hello", (Workflow,), {"APP_NAME": "hello"})


def test_a_hundred_thousand_steps_are_refused_at_once() -> None:
    steps = [Step(f"step_{n}", done=f"value_{n}", show="", field=Text()) for n in range(100_000)]
    assert refused(steps=steps) == f"Hello has 100,000 steps; {MOST_STEPS} is the most."
    assert len(make(steps[:MOST_STEPS]).body()) == MOST_STEPS


@pytest.mark.parametrize(
    ("second", "twice"),
    [
        (Step("step_01", done="other", show="", field=Text()), "step_01"),
        (Step("step_02", done="name", show="", field=Text()), "name"),
        (Step("name", done="other", show="", field=Text()), "name"),
        (Step("step_02", done="step_01", show="", field=Text()), "step_01"),
        (Step("step_02", done="step_02", show="", field=Text()), "step_02"),
    ],
)
def test_ids_and_done_names_must_differ(second: Step, twice: str) -> None:
    assert f"{twice!r} is there twice" in refused(steps=[ONE, second])


@pytest.mark.parametrize("word", ["created", "updated", "finalize", "_stale", "_revert_target", "Step", "a.b", "", 5])
def test_reserved_and_odd_names_are_refused(word: Any) -> None:
    if word != "finalize":
        assert f"A step's id must be a-z, 0-9 and _, and not {word!r}." in refused(
            steps=[Step(word, done="x", show="", field=Text())]
        )
    assert f"A step's done must be a-z, 0-9 and _, and not {word!r}." in refused(
        steps=[Step("step_01", done=word, show="", field=Text())]
    )


@pytest.mark.parametrize("word", ["input", "job"])
def test_the_names_under_which_a_job_is_kept_are_taken(word: str) -> None:
    assert f"{word!r} is where the engine keeps a job" in refused(
        steps=[Step("step_01", done=word, show="", field=Text())]
    )


def test_finalize_is_the_last_step() -> None:
    assert refused(steps=[Step("finalize", done="finalized", show=""), ONE]) == "finalize must be the last step."


def test_something_must_complete_a_step() -> None:
    bare = Step("step_01", done="name", show="Name")
    assert "neither a field nor a job" in refused(steps=[bare])
    assert not make([bare], step_01_job=job).takes_input(bare)
    assert make([bare], step_01_form=method).takes_input(bare)


def test_the_parts_of_a_step_have_their_types() -> None:
    wrong: Any = "text"
    assert "field a Field" in refused(steps=[Step("step_01", done="name", show="Name", field=wrong)])
    wrong = None
    assert "show must be text" in refused(steps=[Step("step_01", done="name", show=wrong, field=Text())])


@pytest.mark.parametrize("what", ["DISPLAY_NAME", "ENDPOINT_MESSAGE", "TRAINING_PROMPT"])
def test_what_is_shown_must_be_text(what: str) -> None:
    assert refused(**{what: None}) == f"{what} must be text."


def test_auto_is_for_a_free_job_without_a_field() -> None:
    auto = Step("step_01", done="name", show="Name", auto=True)
    assert make([auto], step_01_job=job).has_job(auto)
    for step, members in (
        (Step("step_01", done="name", show="", auto=True, field=Text()), {}),
        (Step("step_01", done="name", show="", auto=True, field=Text()), {"step_01_job": job}),
        (auto, {"step_01_job": job, "step_01_form": method}),
        (Step("step_01", done="name", show="", auto=True, paid=True), {"step_01_job": job}),
    ):
        assert "auto is for a job without a field that is not paid" in refused(steps=[step], **members)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("step_01_sumbit", "step_01_submit"),
        ("step_01_jobs", "step_01_job"),
        ("step_1_view", "step_01_view"),
        ("step_02_submit", "step_01_submit"),
        ("step_01_", "step_01_job"),
    ],
)
def test_a_mistyped_method_is_named_with_the_nearest(name: str, meant: str) -> None:
    message = refused(**{name: method})
    assert message.startswith(f"The method {name} belongs to no step; did you mean step_01_")
    if name != "step_01_":
        assert message.endswith(f"{meant}?")


def test_a_mistyped_method_is_found_in_a_class_inside_a_function_too() -> None:
    with pytest.raises(WorkflowError, match="did you mean step_01_submit"):

        class Local(Workflow):
            APP_NAME = "local"
            steps = (ONE,)

            def step_01_submitt(self, run: Any, value: Any) -> Any: ...


def test_data_and_other_methods_may_be_called_as_they_like() -> None:
    make(step_limit=5, helper=method, stepwise=method)


def test_a_hook_is_a_method_of_the_class_and_never_made_up() -> None:
    def raising(self: Any, name: str) -> Any:
        raise RuntimeError(name)

    workflow: Any = make(step_01_view=method, __getattr__=raising)()
    assert workflow.hook(ONE, "job") is None
    assert workflow.hook(ONE, "view") == workflow.step_01_view


def test_a_base_class_without_a_name_is_not_checked() -> None:
    class Base(Workflow):
        def step_99_anything(self) -> None: ...

    class Child(Base):
        APP_NAME = "child"
        steps = (ONE,)

    assert Child.body() == [ONE]
