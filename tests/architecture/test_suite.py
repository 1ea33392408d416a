"""The suite's own promises."""

import pytest

from tests.conftest import WORKER


@pytest.mark.xdist_group("kept")
def test_groups_stay_on_one_worker(request: pytest.FixtureRequest) -> None:
    """Where the runner loses them, every worker starts an exchange of its own, and nothing else tells."""
    assert WORKER == "main" or request.node.nodeid.endswith("@kept")
