"""The worker plugin in real workers of each pool, on a real Redis."""
