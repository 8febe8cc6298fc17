"""Two publishers at once: one of them is refused in a sentence, and whatever is published is a repository."""

import threading

import pytest

from tests.edge.update.repositories import Device, Site, made_model
from tformer_edge.errors import Failure
from tformer_publish.releases import promote, report, rollback, verify
from tformer_publish.repository import Repository


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "site")
    yield made
    made.close()


def test_one_at_work_keeps_the_others_out(site):
    site.release(made_model(0))
    before = {path.name for path in site.folder.rglob("*")}
    with Repository(site.folder).locked():
        for act in (
            lambda: site.release(made_model(1)),
            lambda: promote(site.repository, 1, 50, site.keys),
            lambda: rollback(site.repository, 1, site.keys),
        ):
            with pytest.raises(Failure, match="no other publisher, received one at work; wait"):
                act()
    assert {path.name for path in site.folder.rglob("*")} == before
    assert site.release(made_model(1)).release == 2


def test_many_at_once_leave_a_repository_of_what_was_published(site, tmp_path):
    site.release(made_model(0))
    made, refused, begin = [], [], threading.Barrier(6)

    def publish(seed):
        begin.wait()
        for _ in range(3):
            try:
                made.append(site.release(made_model(seed)).release)
            except Failure:
                refused.append(seed)

    threads = [threading.Thread(target=publish, args=(seed,)) for seed in range(1, 7)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(made) + len(refused) == 18 and made
    assert sorted(made) == list(range(2, 2 + len(made))), "a number of its own for each"
    assert verify(site.repository) == [] and report(site.repository)[0].number == max(made)
    assert Device(tmp_path / "device", site).update().release == max(made)
