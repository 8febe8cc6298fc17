"""N3: what stands between a device and its server: TLS, names, portals; each has a state, and the old model answers."""

import socket
from contextlib import closing

import pytest

from tests.edge.update.certificates import server_context
from tests.edge.update.repositories import Device, Site, made_model
from tformer_edge.update.update_state import UpdateState


@pytest.fixture
def over_tls(tmp_path):
    """Makes a (site of one release, device, certificate) whose server speaks TLS."""
    sites = []

    def make(**options):
        tls, certificate = server_context(tmp_path, **options)
        sites.append(Site(tmp_path / "site", tls=tls))
        sites[0].release(made_model(0))
        return sites[0], Device(tmp_path / "device", sites[0]), certificate

    yield make
    for site in sites:
        site.close()


def first_release(device, site, monkeypatch, certificate):
    """The certificate is trusted, as the system's own are, and the device takes its first release."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert device.update().state is UpdateState.UPDATED
    site.release(made_model(1))


def refused(device, reason):
    report = device.update()
    assert report.state is UpdateState.NETWORK and reason in report.sentence, report
    assert device.data() == made_model(0)


def test_N3_a_certificate_that_nobody_vouches_for(over_tls, monkeypatch):
    site, device, certificate = over_tls()
    first_release(device, site, monkeypatch, certificate)
    monkeypatch.delenv("SSL_CERT_FILE")
    seen = len(site.requests)
    refused(device, "self-signed certificate")
    assert len(site.requests) == seen, "nothing may be asked for before the server is known"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert device.update().state is UpdateState.UPDATED and device.data() == made_model(1)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"ended_days_ago": 1}, "certificate has expired"), ({"address": "127.0.0.2"}, "IP address mismatch")],
    ids=["expired", "another host's"],
)
def test_N3_a_trusted_certificate_that_is_not_good_for_this(over_tls, monkeypatch, options, reason):
    site, device, certificate = over_tls(**options)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    report = device.update()
    assert report.state is UpdateState.NETWORK and reason in report.sentence and site.requests == []


def test_N3_a_redirect_from_https_to_http_is_not_followed(over_tls, monkeypatch, tmp_path):
    site, device, certificate = over_tls()
    first_release(device, site, monkeypatch, certificate)
    with closing(Site(tmp_path / "plain")) as plain:
        site.answer = lambda handler, path: (
            "timestamp" in path and site.send(handler, 302, b"", {"Location": plain.url + path[1:]})
        )
        refused(device, "302")
        assert plain.requests == []


def test_N3_a_server_that_speaks_no_tls(site, device):
    site.release(made_model(0))
    device.update()
    site.url = site.url.replace("http:", "https:")
    refused(device, "SSL")


def test_N3_a_name_that_is_not_found(site, device, monkeypatch):
    site.release(made_model(0))
    device.update()

    def unknown(*args, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    refused(device, "Name or service not known")


def test_N3_a_portal_between_metadata_and_model(site, device):
    site.release(made_model(0))
    device.update()
    site.release(made_model(1))
    page = b"<html>pay here</html>" * 2000
    site.answer = lambda handler, path: "targets/" in path and site.send(handler, 200, page)
    report = device.update()
    assert report.state is UpdateState.CORRUPT and device.data() == made_model(0)
    site.answer = None
    assert device.update().state is UpdateState.UPDATED
    assert device.data() == made_model(1)
