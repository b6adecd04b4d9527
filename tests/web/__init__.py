"""Tests of the small web server."""
