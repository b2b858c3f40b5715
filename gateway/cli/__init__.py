"""The command line: `registry-gateway`."""
