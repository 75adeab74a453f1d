"""Claims of this project, each with a function that tries to break it and a command that says whether it could."""
