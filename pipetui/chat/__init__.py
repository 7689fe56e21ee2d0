"""The chat with a local model: who is there, what it is told, what comes back. No Textual, no SQLite."""
