"""Stores: where incidents, timelines, documents and undelivered alerts are kept."""
