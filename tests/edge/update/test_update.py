"""A device and a repository on loopback: what reaches it, and by how many bytes."""

import pytest

from tests.edge.update.repositories import Device, Site, made_model
from tformer_edge.update.update_state import UpdateState


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "site")
    yield made
    made.close()


@pytest.fixture
def device(tmp_path, site):
    return Device(tmp_path / "device", site)


def test_first_contact_delta_and_nothing_new(site, device):
    first, second = made_model(0), made_model(1)
    site.release(first)
    report = device.update()
    assert (report.state, report.release, device.data()) == (UpdateState.UPDATED, 1, first)
    assert report.traffic.full == len(first) and report.traffic.delta == 0
    published = site.release(second)
    report = device.update(root=None)
    assert (report.state, report.release, device.data()) == (UpdateState.UPDATED, 2, second)
    assert report.traffic.full == 0 and report.traffic.delta == published.chosen[1].bytes < len(second) / 10
    report = device.update()
    assert report.state is UpdateState.UP_TO_DATE and report.traffic.delta == report.traffic.full == 0
