"""Bronze: landing files as typed tables, nothing computed."""
