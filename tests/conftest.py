"""What every test run has in common: no deadline for generated examples (machines are busy), the same ones each time; and
the shipped rules, compiled once.
"""

from hypothesis import settings

from tests.support import compiled_once

settings.register_profile("everywhere", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("everywhere")
compiled_once.install()
