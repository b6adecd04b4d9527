"""Every number that people see, held against counts that were made without the bot, on real Redis and workers."""
