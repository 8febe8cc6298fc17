"""A repository, a device and a web server for the tests of updates, all in this process."""

import contextlib
import http.server
import re
import threading

import numpy as np

from tests.edge.tiny_models import PREPROCESSING
from tformer_edge.contract import Golden, describe, read_model_file, write_model_file
from tformer_edge.update.client import update
from tformer_edge.update.download import Patience
from tformer_edge.update.model_store import ModelStore
from tformer_publish.releases import release
from tformer_publish.repository import Repository

QUICK = Patience(attempts=3, socket_seconds=2, min_rate=50, window=0.3, deadline=20, pause=0.01)


def made_model(seed=0, share=0.02, size=20_000, image=PREPROCESSING, unlike=False):
    """A file of the contract's form; its flatbuffer is noise, so that the self-test must be another one's."""
    data = np.random.default_rng(98 if unlike else 99).integers(0, 256, size, dtype=np.uint8)
    change = np.random.default_rng(seed).random(size) < share
    data[change] += np.uint8(seed)
    flatbuffer = b"\x1c\0\0\0TFL3" + data.tobytes()
    pixels = image.input_size[0] * image.input_size[1] * 3
    golden = [Golden("seed", bytes(pixels), bytes(3))]
    contract = describe(flatbuffer, ("a", "b", "c"), golden, name=f"m{seed}", image=image)
    return write_model_file(flatbuffer, contract, ("a", "b", "c"), golden)


def passes(data):
    assert read_model_file(data).contract is not None


def start_of(handler):
    """The first byte that a request asks for; 0 of one without a Range."""
    asked = handler.headers.get("Range")
    return 0 if asked is None else int(re.fullmatch(r"bytes=(\d+)-", asked)[1])


class Site:
    """A repository with its keys, served on loopback.

    `answer`, where set, is asked first: (handler, path) -> True where it has answered by itself. `tls`: the server's
    ssl.SSLContext.
    """

    def __init__(self, folder, threshold=2, tls=None):
        from securesystemslib.signer import CryptoSigner

        new = CryptoSigner.generate_ed25519
        self.keys = {
            "root": [new(), new(), new()],
            **{r: [new()] for r in ("targets", "snapshot", "timestamp")},
        }
        self.repository = Repository(folder)
        self.repository.create(self.keys, threshold)
        self.folder, self.answer, self.requests = folder, None, []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                site.requests.append((self.path, self.headers.get("Range")))
                if site.answer is None or not site.answer(self, self.path):
                    site.serve(self)

            def do_HEAD(self):
                site.requests.append((f"HEAD {self.path}", self.headers.get("Range")))
                if site.answer is None or not site.answer(self, self.path):
                    site.send(self, 404, b"")

            def log_message(self, *args):
                pass

        self._handler, self._tls = Handler, tls
        self.start(0)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}/"

    def start(self, port):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None  # a client that hangs up is what is tested
        if self._tls:  # the handshake in the connection's own thread
            listening = self.server.socket
            self.server.socket = self._tls.wrap_socket(
                listening, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, handler):
        path = self.folder / handler.path.lstrip("/")
        if not path.is_file():
            return self.send(handler, 404, b"none")
        data = path.read_bytes()
        if handler.headers.get("Range") is None:
            return self.send(handler, 200, data)
        start = start_of(handler)
        return self.send(
            handler, 206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        )

    @staticmethod
    def send(handler, status, body, headers=(), length=None):
        handler.send_response(status)
        for name, value in dict(headers).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(body)
        if length is not None and length != len(body):
            handler.close_connection = True
        return True

    def root(self):
        return (self.folder / "metadata" / "1.root.json").read_bytes()

    def release(self, data, **options):
        return release(self.repository, data, self.keys, check=options.pop("check", passes), **options)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Device:
    """A store and the way to update it."""

    def __init__(self, folder, site):
        self.store, self.site = ModelStore(folder), site

    def update(self, **options):
        options = {"patience": QUICK, "check": passes, "trial": False, **options}
        return update(self.store, self.site.url, options.pop("root", self.site.root()), **options)

    def data(self):
        state = self.store.state()
        return self.store.bytes_of(state, state.active)
