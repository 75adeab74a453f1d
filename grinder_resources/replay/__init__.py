"""A day that is over, decided again: by the rules alone, and by the rules with the signal."""
