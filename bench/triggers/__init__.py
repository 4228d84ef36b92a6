"""What to expect of the triggers: false reverts on healthy traffic, delay on bad releases, and cost."""
