"""Channels: where people are told and paged."""
