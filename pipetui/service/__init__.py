"""What a process opens once, and everyone above talks to: the app, the CLI, the worker, a script.

async with Service.open(paths()) as service:
    snapshot = await service.runs.create("default", "hello")
"""

from .service import Service

__all__ = ["Service"]
