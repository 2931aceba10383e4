"""Watch models train."""
