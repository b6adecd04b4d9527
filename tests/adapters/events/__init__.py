"""Tests of the live state that is kept from events."""
