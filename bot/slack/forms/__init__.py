"""Forms: a modal made from an action's parameters, what people fill in, and what comes of it."""
