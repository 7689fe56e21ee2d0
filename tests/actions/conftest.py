"""A real service, and the hands that an action is in."""

from tests.service.conftest import home as home
from tests.service.conftest import service as service
