"""Drivers: one file, one platform that runs workers. Found by discovery; adding one touches no other file."""
