"""What people may get wrong, and how to get the bot's sentence for each of it: the rows of docs/errors.md."""
