"""Hand-over: a lake's days, or models with their ledger and registry, in one file that is checked where it arrives.

    lake or models -> pack: verified, in canonical bytes -> one tar file
    one tar file   -> unpack: every byte accounted for, everything verified -> a folder, in one rename

A packed file is canonical: its manifest decides every other byte of it, headers and padding included, so that the same
rows and models give the same file anywhere, and a byte that was changed on the way has nowhere to hide.
"""
