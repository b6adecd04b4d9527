"""`python -m bot` is `celery-oncall`."""

from bot.cli import main

if __name__ == "__main__":
    main()
