"""Model cards: what an artifact is for and not for, what it was made from and what it is worth, from facts alone."""
