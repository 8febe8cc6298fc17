"""nginx on loopback, from an empty configuration, and what its log says."""

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tformer_edge.errors import Failure, UserError

CONFIG = """
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  log_format fleet '$request_method $uri $status $bytes_sent $request_time';
  access_log {work}/access.log fleet;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  sendfile on;
  server {{ listen 127.0.0.1:{port}; root {site}; }}
}}
"""


@dataclass(frozen=True)
class Answered:
    """One line of the log: what was asked for, HTTP status, bytes sent with their header, seconds that it took."""

    path: str
    status: int
    bytes: int
    seconds: float

    @property
    def kind(self) -> str:
        if self.path.startswith(("/metadata/", "/reports/")):
            return self.path.split("/")[1]
        return "delta" if self.path.endswith(".delta") else "full"


class Nginx:
    """Serves `site`; `work` is for its files. Raises UserError where nginx is not installed."""

    def __init__(self, site: Path, work: Path) -> None:
        binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if binary is None:
            raise UserError("nginx", "none", "install it: apt-get install nginx-light")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.log, self.url = work / "access.log", f"http://127.0.0.1:{port}/"
        user = "user root;" if os.geteuid() == 0 else ""
        (work / "nginx.conf").write_text(
            CONFIG.format(work=work.resolve(), site=site.resolve(), port=port, user=user)
        )
        command = [binary, "-p", str(work), "-c", str((work / "nginx.conf").resolve()), "-e", "stderr"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise Failure(f"nginx: expected it to listen, received {(work / 'error.log').read_text()[:300]}")

    def cpu_seconds(self) -> float:
        """Of master and worker together, user and system, since they were started."""
        total, pid = 0, self._process.pid
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if int(path.parent.name) == pid or int(fields[1]) == pid:
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def answered(self) -> list[Answered]:
        """All requests so far; the last ones may be missing until `stop`."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [
            Answered(path, int(status), int(size), float(seconds)) for _, path, status, size, seconds in lines
        ]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
