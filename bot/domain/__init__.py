"""What the bot knows and decides: plain values and pure functions; no clock, no input or output, `now` is passed in."""
