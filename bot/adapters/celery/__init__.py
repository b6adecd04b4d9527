"""Celery on Redis: the watched cluster, and the dispatcher of the bot's own tasks."""
