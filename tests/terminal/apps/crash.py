"""Changes the terminal and dies without putting it back by itself."""

import os
import sys
import tty

from pipetui.terminal import restore

restore.remember(0)
tty.setraw(0)
os.write(1, b"\x1b[?1049h\x1b[?25l")
if sys.argv[1] == "stalled":
    os.set_blocking(1, False)
    try:
        while True:
            os.write(1, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(1, True)
    sys.exit(1)  # a traceback would wait for the reader
raise RuntimeError("on purpose")
