"""Tests of celery-oncall; real services come from `tests.services`."""
