"""The ops worker is killed with signal 9 at chosen places of an action, by a relay between it and the watched Redis."""
