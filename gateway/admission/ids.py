"""Decision ids: ordered by time, never guessed, never repeated.

Pure: time and randomness are passed in.
Source: RFC 9562, section 5.7 (UUID version 7).
"""

import uuid


def time_ordered_id(milliseconds: int, randomness: bytes) -> str:
    """Return the UUIDv7 text of a Unix time in milliseconds and 10 random bytes."""
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
