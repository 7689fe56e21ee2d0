"""The process behind `reader.Reader`: `python -m pipetui.pages.reading FOLDER`, on the line between them.

A question is a pickle of (row, body, headers); an answer is JSON in one line: who breaks the parser must not reach us.
"""

import json
import pickle
import sys
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from pipetui.pages.extract import extract
from pipetui.pages.files import PageRow, Saver


def serve(questions: BufferedReader, answers: BinaryIO, saver: Saver) -> None:
    """Read and keep pages until the line ends."""
    while questions.peek(1):
        row, body, headers = pickle.load(questions)  # noqa: S301 - from our own process
        answers.write(json.dumps(_answer(saver, row, body, headers)).encode() + b"\n")
        answers.flush()


def _answer(saver: Saver, row: PageRow, body: bytes, headers: Sequence[tuple[str, str]]) -> dict[str, object]:
    try:
        found = extract(body, headers, row["final_url"])
    except Exception as error:  # whatever a hostile page breaks is its own affair
        return {"error": type(error).__name__}
    try:
        return {"row": saver.save(row, body, found)}
    except OSError as error:
        return {"disk": [error.errno, error.strerror, error.filename]}


if __name__ == "__main__":
    with Saver(Path(sys.argv[1])) as saver, open(0, "rb") as questions, open(1, "wb") as answers:
        serve(questions, answers, saver)
