"""HEARING: alerts, Slack and web pages; all of them go through gateway.incidents."""
