"""Hello: the shortest workflow there is."""

from pipetui import Step, Workflow
from pipetui.fields import Text


class Hello(Workflow):
    APP_NAME = "hello"  # names the stored data: never change it
    DISPLAY_NAME = "Hello Workflow 👋"
    ENDPOINT_MESSAGE = "Start a run, or pick up an old one."
    TRAINING_PROMPT = "hello.md"

    steps = [
        Step("step_01", done="name", show="Your Name", field=Text(), refill=True),
        Step("step_02", done="greeting", show="Hello Message", field=Text(), transform=lambda name: f"Hello {name}!"),
    ]
