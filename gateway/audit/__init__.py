"""WHO IS TOLD? Events, what must not be in them, and how pulls are counted."""
