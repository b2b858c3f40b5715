"""WHAT IS IT? Bytes in, values out.

Pure: no I/O, no third-party import.
"""
