"""A site and a device for each test of updates."""

import pytest

from tests.edge.update.repositories import Device, Site, made_model


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "site")
    yield made
    made.close()


@pytest.fixture
def device(tmp_path, site):
    return Device(tmp_path / "device", site)


@pytest.fixture
def ready(site, device):
    """A device on release 1, of a site that has release 2."""
    site.release(made_model(0))
    device.update()
    site.release(made_model(1))
    return device
