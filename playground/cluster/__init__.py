"""The sample cluster: the application that the playground watches. It knows nothing of the bot."""
