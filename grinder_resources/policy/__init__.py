"""The bot's own rules: which regime it sees without a model, and the grid it then asks for."""
