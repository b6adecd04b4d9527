"""Actions: one file, one thing that changes a cluster. Found by discovery; adding one touches no other file."""
