"""The revisions, oldest first. A released one is never changed, and imports nothing of the program's own."""
