"""Kinds for secrets: hashes that no password fits, and valid ssh keys and certificates that belong to nobody."""

from __future__ import annotations

import datetime
import functools

from anonymize.kinds.columns import BLOBS, BYTES, TEXTS
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.kinds.people import pooled
from anonymize.ops import Constant
from anonymize.pseudonym import token

KEYS, CERTIFICATES = 256, 64
"""How many different ones there are."""

# Salt and digest are all zeros. That a password has such a digest is as likely as guessing the digest.
HASHES = {
    "bcrypt": "$2b$12$" + 53 * ".",
    "sha512-crypt": "$6$" + 16 * "." + "$" + 86 * ".",
    "pbkdf2-sha256": "pbkdf2_sha256$600000$" + 22 * "0" + "$" + 43 * "A" + "=",
    "argon2id": "$argon2id$v=19$m=65536,t=3,p=4$" + 22 * "A" + "$" + 43 * "A",
}


def _password_hash(wish: Wish) -> Made:
    form: str = wish.options["form"]
    text = HASHES[form]
    wish.need_room(len(text))
    return Made(Constant(text.encode()), Uniqueness.LOSSY, len(text))


@functools.lru_cache(maxsize=8)
def ssh_keys(secret: bytes) -> tuple[str, ...]:
    """Public keys (Ed25519) as OpenSSH writes them on one line, the same ones for the same secret."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    lines = []
    for number in range(KEYS):
        public = Ed25519PrivateKey.from_private_bytes(token(secret, b"ssh %d" % number)).public_key()
        lines.append(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " anonymized")
    return tuple(lines)


@functools.lru_cache(maxsize=8)
def certificates(secret: bytes) -> tuple[str, ...]:
    """Certificates (X.509, PEM) that sign themselves with Ed25519, the same ones for the same secret."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    pages = []
    for number in range(CERTIFICATES):
        private = Ed25519PrivateKey.from_private_bytes(token(secret, b"certificate %d" % number))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"anonymized-{number}.example.com")])
        built = (
            x509.CertificateBuilder(name, name, private.public_key())
            .serial_number(1 + int.from_bytes(token(secret, b"serial %d" % number)[:8]))
            .not_valid_before(datetime.datetime(2020, 1, 1))
            .not_valid_after(datetime.datetime(2049, 12, 31))
            .sign(private, None)
        )
        pages.append(built.public_bytes(Encoding.PEM).decode())
    return tuple(pages)


PASSWORD_HASH = Definition(
    name="password_hash",
    summary="Every value becomes the same hash, of a valid form, that no password fits.",
    guarantees=Guarantees(Uniqueness.LOSSY, length=f"its own: {', '.join(f'{k} {len(v)}' for k, v in HASHES.items())}",
                          characters="those of the form"),
    making=_password_hash,
    example='password = { kind = "password_hash", form = "argon2id" }',
    known={"form": Option(f"one of {', '.join(HASHES)} (bcrypt)", str, "bcrypt", choices=tuple(HASHES))},
    types=TEXTS | BYTES | BLOBS,
)  # fmt: skip
SSH_KEY = Definition(
    name="ssh_key",
    summary=f"A valid public key (Ed25519), on one line as OpenSSH writes it; one of {KEYS}, which are drawn from the "
    "key.",
    guarantees=Guarantees(Uniqueness.LOSSY, length="91 characters", characters="ASCII"),
    making=lambda wish: pooled(wish, ssh_keys(wish.secret)),
    example='public_key = "ssh_key"',
    known={"meaning": MEANING},
    types=TEXTS | BYTES | BLOBS,
)
CERTIFICATE = Definition(
    name="certificate",
    summary=f"A valid certificate (X.509, PEM) that signs itself (Ed25519); one of {CERTIFICATES}.",
    guarantees=Guarantees(Uniqueness.LOSSY, length="some 400 characters", characters="ASCII, with ends of lines"),
    making=lambda wish: pooled(wish, certificates(wish.secret)),
    example='tls_cert = "certificate"',
    known={"meaning": MEANING},
    types=TEXTS | BYTES | BLOBS,
)
