"""What several modules of attacks share: the world of the matrix, made once."""

import pytest

from tests.support.matrix_world import Made, make


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("world") / "state")
