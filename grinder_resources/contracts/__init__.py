"""Facts both sides agree on: table schemas, snapshots, instruments, manifests. Nothing here computes."""
