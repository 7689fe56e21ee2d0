"""What the command line does: a module a subject. A command gets the parsed arguments and returns the exit code."""
