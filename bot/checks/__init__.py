"""Checks: one file, one read-only diagnostic. Found by discovery; adding one touches no other file."""
