"""Who is on call: one file for each system that knows it."""
