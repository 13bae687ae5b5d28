"""Rates of dcap-qvl (PyPI 0.7.0) over the same vectors, one thread, CPU time."""
import json
import os
import sys
import time

import dcap_qvl

shared = os.environ.get("ASSAY_SHARED", "../../shared")
folder = os.path.join(shared, "vectors", "attestation")


def rate(name, body, duration=2.0):
    beginning = time.process_time()
    while time.process_time() - beginning < 0.5:
        body()
    count = 0
    start = time.process_time()
    now = start
    while now - start < duration:
        for _ in range(20):
            body()
        count += 20
        now = time.process_time()
    print(f"peer {name}\t{int(count / (now - start))}")


def seconds(text):
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)


for name, quote, collateral, at in [
    ("tdx-v4", "tdx/dcapqvl-v4-b0c0.quote", "collateral/tdx-b0c06f000000-2025-06-19.json", "2025-06-19T10:33:27Z"),
    ("tdx-v5", "tdx/gotdx-v5-sample.quote", "collateral/tdx-90c06f000000-2026-02-01.json", "2026-02-01T14:50:26Z"),
    ("sgx-v3", "sgx/dcapqvl-v3.quote", "collateral/sgx-00a067110000-2025-06-19.json", "2025-06-19T10:57:11Z"),
]:
    raw = open(os.path.join(folder, quote), "rb").read()
    text = open(os.path.join(folder, collateral)).read()
    document = dcap_qvl.QuoteCollateralV3.from_json(text)
    now = seconds(at)
    rate(f"{name} parse", lambda: dcap_qvl.parse_quote(raw))
    rate(f"{name} verify", lambda: dcap_qvl.verify(raw, document, now))
sys.exit(0)
