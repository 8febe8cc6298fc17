"""A site and a device for each test of updates."""

import pytest

from tests.edge.update.repositories import Device, Site


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "site")
    yield made
    made.close()


@pytest.fixture
def device(tmp_path, site):
    return Device(tmp_path / "device", site)
