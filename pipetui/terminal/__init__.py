"""Between Textual and the line: bounded, filtered, sends the cells that changed; signals, and the way back.

`terminal.check` and `terminal.restore` need no Textual, so nothing is imported here; the app's base class is
`pipetui.terminal.app.TerminalApp`.
"""
