"""Monitoring: what served models were asked and answered, and how far that lies from what they were made on."""
