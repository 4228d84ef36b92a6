"""The world that a newcomer sees: a small model service, its traffic and a bad release."""
