"""Landing files to Bronze rows: one streaming reader a source format, limits before parsing, quarantine with reasons."""
