"""Benchmarks: each runs both sides in one process run and prints a ratio. See README.md on how to read them."""
