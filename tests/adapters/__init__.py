"""The adapters against real systems."""
