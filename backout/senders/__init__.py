"""Who sends alerts: one file per sender, each reads what it posts into alerts."""
