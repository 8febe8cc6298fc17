"""What devices report, read from servers' logs, and which releases it lets grow."""

import gzip
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.edge.update.repositories import made_model, passes
from tformer_edge.errors import Failure, UserError
from tformer_publish import releases
from tformer_publish.outcome_log import Outcomes, check_growth, read_logs
from tformer_publish.publish_command import main

COMBINED = '192.0.2.{n} - - [30/Nov/2026:06:52:18 +0000] "HEAD /{path} HTTP/1.1" 404 0 "-" "tformer-edge"\n'
CLOUDFRONT = (
    "2026-11-30\t06:52:18\tFRA6\t0\t192.0.2.{n}\tHEAD\td1.cloudfront.net\t/{path}\t404\t-\ttformer-edge\n"
)
S3 = '79a5 models [30/Nov/2026:06:52:18 +0000] 192.0.2.{n} - 3E5 REST.HEAD.OBJECT {path} "HEAD /{path} HTTP/1.1" 404\n'


def written(path, form, lines, prefix=""):
    text = "".join(form.format(n=n, path=prefix + one) for n, one in enumerate(lines))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("form", [COMBINED, CLOUDFRONT, S3])
@pytest.mark.parametrize("name", ["access.log", "access.log.gz"])
@pytest.mark.parametrize("prefix", ["", "eu/models/"])
def test_forms_of_logs(tmp_path, form, name, prefix):
    asked = ["reports/3/works"] * 5 + ["reports/3/failed"] * 2 + ["reports/12/failed"]
    asked += ["targets/reports-3-failed", "reports/3/failed.html", "reports/3/failed/x", "reports/-3/failed"]
    found = read_logs([written(tmp_path / name, form, asked, prefix)])
    assert found == {3: Outcomes(5, 2), 12: Outcomes(0, 1)}
    assert str(found[3]) == "2 of 7 that report (28.6 %)"


def test_a_picture_of_a_report_in_another_request_does_not_count(tmp_path):
    log = tmp_path / "access.log"
    log.write_text('192.0.2.1 - - [] "GET /index.html HTTP/1.1" 200 0 "https://x.org/reports/3/failed" "-"\n')
    assert read_logs([log]) == {}


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_any_bytes_are_a_log(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("log") / "access.log"
    path.write_bytes(b"\n".join(lines))
    assert all(re.search(rb"/reports/\d+/", b"\n".join(lines)) for _ in read_logs([path]))


def test_endless_lines_and_files_that_are_none(tmp_path):
    (tmp_path / "long.log").write_bytes(
        b"x" * (5 << 20) + COMBINED.format(n=1, path="reports/1/works").encode()
    )
    assert read_logs([tmp_path / "long.log"]) == {1: Outcomes(1, 0)}
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"HEAD /reports/1/works " * 9000)[:60])
    (tmp_path / "none.gz").write_bytes(b"no gzip")
    for name in ("cut.gz", "none.gz", "missing.log", "."):
        with pytest.raises(UserError, match="--log"):
            read_logs([tmp_path / name])


def test_what_lets_a_release_grow():
    check_growth(3, Outcomes(98, 2), 2.0, 20)
    with pytest.raises(Failure, match=r"at most 2 %.*3 of 100 that report \(3.0 %\)"):
        check_growth(3, Outcomes(97, 3), 2.0, 20)
    with pytest.raises(Failure, match="at least 20 devices, received 19"):
        check_growth(3, Outcomes(19, 0), 2.0, 20)


def test_F1_failure_reports_stop_growth(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TFORMER_PASSPHRASE", "correct horse")
    monkeypatch.setitem(releases.release.__kwdefaults__, "check", passes)
    site = ["--to", str(tmp_path / "site")]
    keys = ["--keys", str(tmp_path / "keys")]
    log = [
        "--log",
        str(written(tmp_path / "a.log", COMBINED, ["reports/1/works"] * 97 + ["reports/1/failed"] * 3)),
    ]

    def publish(*arguments, code=0):
        assert main(["--json", *arguments]) == code
        said = capsys.readouterr()
        return json.loads(said.out) if said.out else said.err

    def rollout():
        return publish("report", *site)["releases"][0]["rollout"]

    publish("init", *site, *keys)
    (tmp_path / "m.tflite").write_bytes(made_model(0))
    publish("release", str(tmp_path / "m.tflite"), "--rollout", "10", *site, *keys)
    assert "3 of 100 that report" in publish("promote", "1", "--rollout", "50", *log, *site, *keys, code=1)
    assert rollout() == 10
    more = ["--least-reports", "101"]
    assert "at least 101" in publish(
        "promote", "1", "--rollout", "50", *log, *more, "--or-halt", *site, *keys, code=1
    )
    assert rollout() == 10, "too few reports are no reason to halt"
    publish("promote", "1", "--rollout", "50", *log, "--most-failures", "3", *site, *keys)
    assert rollout() == 50
    publish("promote", "1", "--rollout", "20", *log, *site, *keys)  # shrinking needs no reports
    assert rollout() == 20
    halted = publish("promote", "1", "--rollout", "100", *log, "--or-halt", *site, *keys, code=1)
    assert halted == {"release": 1, "rollout": 0, "works": 97, "failed": 3} and rollout() == 0
    (row,) = publish("report", *site, *log)["releases"]
    assert (row["works"], row["failed"]) == (97, 3)
    assert main(["report", *site, *log]) == 0
    assert "failed on 3 of 100 that report (3.0 %)" in capsys.readouterr().out
    for wrong in (["--most-failures", "2"], [*log, "--most-failures", "101"], [*log, "--least-reports", "0"]):
        assert "expected" in publish("promote", "1", "--rollout", "50", *wrong, *site, *keys, code=2)
