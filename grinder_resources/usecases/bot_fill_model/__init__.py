"""The bot's own fill model, counted from round trips: what its tools read and write, and what it is worth."""
