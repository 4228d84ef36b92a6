"""Against a real Prometheus that asks for everything that it can ask for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from adapters.fetch import Access
from adapters.sources.prometheus import PrometheusApi
from adapters.tls import tls_context
from backout.errors import FileUnreadable, RejectedBySystem, Unreachable
from tests import monitoring
from tests.adapters.asking import count

Open: TypeAlias = Callable[..., PrometheusApi]

# The hash of 's3cret'; it opens nothing but the server of these tests.
GUARDED = """
tls_server_config:
  {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem,
   client_auth_type: RequireAndVerifyClientCert}
basic_auth_users: {backout: $2b$04$LgwA1BZXb367giN/QjfUXOje/tYO.4P/JjyPC3By0XyQt500Q6w/C}
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority, and with what it has signed for a server and for a client."""
    if shutil.which("openssl") is None:
        pytest.skip("apt-get install --yes openssl")
    folder = tmp_path_factory.mktemp("certificates")
    make = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "server", "client", "stranger"):
        signed = () if name in {"ca", "stranger"} else ("-CA", "ca.pem", "-CAkey", "ca.key")
        subject = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        files = ("-out", f"{name}.pem", "-keyout", f"{name}.key")
        subprocess.run([*make, *signed, *subject, *files], cwd=folder, check=True, capture_output=True)
    return folder


@monitoring.NEEDED
async def test_a_guarded_server_answers_those_who_show_what_it_asks_for(
    certificates: Path, api: Open
) -> None:
    ca, stranger = certificates / "ca.pem", certificates / "stranger.pem"
    shown = {"certificate": certificates / "client.pem", "key": certificates / "client.key"}
    tls = tls_context(ca=ca, **shown)
    known = ("backout", "s3cret")

    with monitoring.prometheus(certificates, "", web=GUARDED) as at:

        async def ask(access: Access) -> float | None:
            return await count(api(f"https://{at}", access=access), "vector(1)")

        assert await ask(Access(basic=known, tls=tls)) == 1
        for basic in (None, ("backout", "another"), ("other", "s3cret")):
            with pytest.raises(
                RejectedBySystem, match="answered 401: it does not know us; give it 'token' or"
            ):
                await ask(Access(basic=basic, tls=tls))
        with pytest.raises(Unreachable):
            await ask(Access(basic=known, tls=tls_context(ca=ca, certificate=None, key=None)))
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(Access(basic=known, tls=tls_context(ca=stranger, **shown)))
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(Access(basic=known))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ca": "none.pem"}, r"The authority .*none\.pem cannot be read: No such file.*certificates in PEM"),
        ({"ca": "client.key"}, r"The authority .*client\.key cannot be read: .*no certificate"),
        (
            {"certificate": "none.pem"},
            "The client certificate .*none.pem with the key .*client.key cannot be",
        ),
        ({"key": "none.key"}, "with the key .*none.key cannot be read: No such file"),
        ({"key": "server.key"}, "KEY_VALUES_MISMATCH.*Both must be PEM and belong together"),
        ({"key": "locked.key"}, "the key has no passphrase"),
    ],
    ids=["no authority", "no certificate in it", "no certificate", "no key", "another key", "a passphrase"],
)
def test_a_file_that_cannot_serve_is_named(certificates: Path, changed: dict[str, str], why: str) -> None:
    lock = ("openssl", "ec", "-in", "client.key", "-aes128", "-passout", "pass:abcd", "-out", "locked.key")
    subprocess.run(lock, cwd=certificates, check=True, capture_output=True)
    files = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"} | changed
    with pytest.raises(FileUnreadable, match=why):
        tls_context(**{name: certificates / file for name, file in files.items()})
