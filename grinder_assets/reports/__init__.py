"""Reports: what the models are worth, as tables, pages and plots; and the warehouse people open."""
