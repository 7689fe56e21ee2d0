"""The rails: what a workflow is and how a run moves. Pure Python, imports nothing of ours."""
