"""DOING: thin classes over ports; each calls a port and maps its errors to Temporal's."""
