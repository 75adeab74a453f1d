"""Landing files to Bronze rows: one streaming reader a format, limits before parsing, quarantine with reasons."""
