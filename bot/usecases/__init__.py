"""Verbs over the domain and the ports: plain, synchronous functions."""
