"""The demo market: seeded source files that the ordinary readers read."""
