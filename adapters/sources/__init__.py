"""Sources: what counts how a release does."""
