"""ORDERING: the durable steps of an incident. Start with incident.py."""
