"""What a watched application may run: the oldest Celery that is supported, beside the one that we run on."""
