"""The listener: uvicorn with our protocol, TLS, workers, drain."""
