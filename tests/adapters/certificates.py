"""An authority of our own, and what it has signed for a server on loopback."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest


class Certificates(NamedTuple):
    """How a server shows itself, and whom its clients trust."""

    served: ssl.SSLContext
    trusted: ssl.SSLContext
    ca: Path


def sign(folder: Path) -> Certificates:
    """Make them in a folder."""
    if shutil.which("openssl") is None:
        pytest.skip("apt-get install --yes openssl")
    make = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "server"):
        signed = () if name == "ca" else ("-CA", "ca.pem", "-CAkey", "ca.key")
        subject = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        files = ("-out", f"{name}.pem", "-keyout", f"{name}.key")
        subprocess.run([*make, *signed, *subject, *files], cwd=folder, check=True, capture_output=True)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(folder / "server.pem", folder / "server.key")
    return Certificates(served, ssl.create_default_context(cafile=folder / "ca.pem"), folder / "ca.pem")
