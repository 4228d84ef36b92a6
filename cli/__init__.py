"""The backout command: starts processes and speaks through gateway.incidents."""
