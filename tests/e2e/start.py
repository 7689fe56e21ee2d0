"""`pipetui`, as the installed command starts it."""

from pipetui.__main__ import main

raise SystemExit(main())
