"""Starts signed, changed and unsigned programs through the Windows backend; prints which were started, as JSON."""

import ctypes
import json
import os
import pathlib
import sys

sys.path.insert(0, r"C:\mooring\mooring-launcher.pyz")
from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms import windows as backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.target import TargetSpec

X509_ASN, REPLACE = 1, 3


def trust(path):
    """Add a certificate to the authorities that this machine trusts."""
    crypt32 = ctypes.WinDLL("crypt32")
    crypt32.CertOpenSystemStoreW.restype = ctypes.c_void_p
    data = pathlib.Path(path).read_bytes()
    store = ctypes.c_void_p(crypt32.CertOpenSystemStoreW(None, ctypes.c_wchar_p("ROOT")))
    assert crypt32.CertAddEncodedCertificateToStore(store, X509_ASN, data, len(data), REPLACE, None)
    crypt32.CertCloseStore(store, 0)


def start(name, signed_by):
    """Start a toy; return what came of it."""
    spec = TargetSpec(rf"C:\toys\{name}.exe", ["exit", "0"], "", dict(os.environ), signed_by=signed_by)
    try:
        return ["started", str(backend.start_target(Compartment(7, ""), spec).wait(30).code)]
    except LauncherError as error:
        return [error.code.name, str(error)]


trust(r"C:\cert.der")
found = {
    "common name": start("signed", "Orders Team"),
    "whole name": start("signed", "O=Example, CN=Orders Team"),
    "other": start("signed", "Somebody Else"),
    "unsigned": start("toy", "Orders Team"),
    "changed": start("changed", "Orders Team"),
}
print(json.dumps(found))
