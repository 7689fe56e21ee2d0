"""The built-in workflows run for real: a service, a worker process, a web site on loopback."""

from tests.worker.conftest import home, service, workers

__all__ = ["home", "service", "workers"]
