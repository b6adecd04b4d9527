"""Tests of the alert parsers."""
