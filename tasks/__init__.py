"""The ops worker: a Celery app that runs approved executions and the sweep, and nothing else."""
