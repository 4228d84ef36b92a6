"""`backout doctor`: everything that a site names, tried for real, with what to do where it does not work."""
