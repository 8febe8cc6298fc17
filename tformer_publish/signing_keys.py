"""Signing keys: ed25519 files under a passphrase, or any URI that securesystemslib knows (PKCS#11, a cloud's KMS)."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey

from tformer_edge.errors import UserError
from tformer_edge.files import check_writable, read_regular, write_whole

PASSPHRASE = "TFORMER_PASSPHRASE"


def new_key(path: Path, passphrase: str) -> CryptoSigner:
    """Makes a key and writes it, encrypted, readable by its owner alone. Raises UserError where the file is there."""
    if len(passphrase) < 8:
        raise UserError("a passphrase of 8 characters or more", f"{len(passphrase)}", f"set {PASSPHRASE}")
    check_writable([path], force=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    mask = os.umask(0o077)
    try:
        write_whole(path, pem)
    finally:
        os.umask(mask)
    return CryptoSigner(private, SSlibKey.from_crypto(private.public_key()))


def open_signer(where: str, passphrase: str, known: list[Key]) -> Signer:
    """The signer of a key file, or of a URI with a scheme; `known` are the public keys that it may belong to.

    Raises UserError for a wrong passphrase, a file that is no key, and a URI that fits none of `known`.
    """
    if ":" in where and not Path(where).exists():
        for key in known:
            try:
                return Signer.from_priv_key_uri(where, key)
            except Exception:  # each kind of signer has errors of its own
                continue
        raise UserError("a signer of one of the repository's keys", where, "check the URI and what it needs")
    try:
        private = serialization.load_pem_private_key(read_regular(Path(where)), passphrase.encode() or None)
    except OSError as error:
        raise UserError("a key file", f"{where}: {(error.strerror or '').lower()}", "give its path") from None
    except (ValueError, TypeError):
        raise UserError("a key and its passphrase", where, f"check {PASSPHRASE} and the file") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UserError("an ed25519 key", where, "make keys with tformer-publish init")
    return CryptoSigner(private, SSlibKey.from_crypto(private.public_key()))
