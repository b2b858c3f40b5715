"""WHOM DO WE ASK? The one HTTP client of the gateway, and the guard that nobody goes around."""
