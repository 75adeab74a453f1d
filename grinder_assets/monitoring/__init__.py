"""Monitoring: what models in use read and answered, what came of it, and whether it has drifted."""
