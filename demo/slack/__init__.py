"""A small Slack of our own, for the demo and for tests: Web API, Socket Mode, signed requests, faults."""
