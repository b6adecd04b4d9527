"""What Celery's events tell of a cluster: heard, counted, remembered."""
