"""What every test run has in common: no deadline for generated examples (machines are busy), the same ones each time."""

from hypothesis import settings

settings.register_profile("everywhere", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("everywhere")
