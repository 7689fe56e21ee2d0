"""Imported before httpx: keeps its command line out of every start. That brings click, rich, httpcore and trio, which
take longer than the rest of it; httpx does without where it can't have it.
"""

import sys
from typing import cast

cast(dict[str, object], sys.modules).setdefault("httpx._main", None)
