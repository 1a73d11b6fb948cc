"""Authenticode: a program is started only if the signer is the one that target.signedBy names."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.tools import require
from tests.windows.machine import COMPARTMENT, Machine

_SCRIPT = Path(__file__).parent / "inside/signature.py"


@pytest.fixture(scope="module")
def signed(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sign a toy by a certificate of our own, and return the certificate."""
    machine.set_node(f"{COMPARTMENT} {machine.ip}")
    folder = tmp_path_factory.mktemp("signing")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    request = [require("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    request += ["-subj", "/O=Example/CN=Orders Team", "-addext", "extendedKeyUsage=codeSigning"]
    _run([*request, "-keyout", str(key), "-out", str(certificate)])
    sign = [require("osslsigncode"), "sign", "-certs", str(certificate), "-key", str(key), "-h", "sha256"]
    _run([*sign, "-in", str(machine.drive / "toys/toy.exe"), "-out", str(machine.drive / "toys/signed.exe")])
    _run(["openssl", "x509", "-in", str(certificate), "-outform", "DER", "-out", str(machine.drive / "cert.der")])
    changed = bytearray((machine.drive / "toys/signed.exe").read_bytes())
    changed[0x1800] ^= 1
    (machine.drive / "toys/changed.exe").write_bytes(changed)
    return certificate


def test_only_the_named_signer_will_do(machine: Machine, signed: Path) -> None:
    """Another signer, no signature or a changed file is refused with that reason; the right one runs.

    An authority that the machine does not know is not tested: Wine 8 accepts it, Windows does not.
    """
    found: dict[str, Any] = machine.run_python(_SCRIPT)
    assert found["common name"] == ["started", "0"]
    assert found["whole name"] == ["started", "0"]
    assert "is signed by 'Orders Team'" in found["other"][1]
    assert "it is not signed" in found["unsigned"][1]
    assert found["changed"][0] == "TARGET_SIGNATURE"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
