"""TLS: whom we trust and what we show."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import httpx

from backout.errors import FileUnreadable


@cache
def public_authorities() -> ssl.SSLContext:
    """Return a context that trusts the public authorities; reading them takes long, so they are read once."""
    return httpx.create_ssl_context(trust_env=False)


def tls_context(*, ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return a context with certificates of the site's own.

    Args:
        ca: the certificates that sign the server's; None is the public authorities.
        certificate: what we show the server; None is nothing.
        key: the private key of that certificate.

    Raises:
        FileUnreadable: one of the files is not there, or holds something else.
    """
    try:
        context = ssl.create_default_context(cafile=ca) if ca else httpx.create_ssl_context(trust_env=False)
    except OSError as error:
        remedy = "It must hold certificates in PEM."
        raise FileUnreadable(what="The authority", path=ca, why=error.strerror, remedy=remedy) from error
    if certificate and key:
        _show(context, certificate, key)
    return context


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # Without a passphrase OpenSSL would ask for one at the terminal, and wait.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        path = f"{certificate} with the key {key}"
        remedy = "Both must be PEM and belong together, and the key has no passphrase."
        raise FileUnreadable(
            what="The client certificate", path=path, why=error.strerror, remedy=remedy
        ) from error
