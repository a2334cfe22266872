"""A certificate of one's own: browsers give microphones to pages by HTTPS only, or of the same machine."""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING

from hygiesync.errors import InputError

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

_DAYS = 365


def self_signed(folder: Path, names: tuple[str, ...]) -> tuple[Path, Path]:
    """A certificate and its key, made anew for these names.

    Parameters
    ----------
    folder : Path
        Where both are written; the key for this user alone.
    names : tuple of str
        Host names and addresses that the server is called by.

    Returns
    -------
    tuple of Path
        Certificate and key, PEM.

    Raises
    ------
    InputError
        When `folder` can't be written.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hygiesync")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    try:
        certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_path.unlink(missing_ok=True)
        with open(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
    except OSError as error:
        raise InputError(f"{folder}: can't be written ({error.strerror}); choose another `folder`") from error
    return certificate_path, key_path


def _general_name(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
