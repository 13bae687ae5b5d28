#!/usr/bin/env python3
"""Writes Vectors/external.json: where the test vectors of other projects that Assay runs are published.

usage: Scripts/generate-external-vectors.py SHARED_VECTORS > Vectors/external.json

SHARED_VECTORS is a folder with those files and a MANIFEST.json beside each family. Only what stands in a public repository
as it is gets a line: what was lifted out of a document or put together from several files has no file there to compare with.
Anyone who fetches the files by repository, commit and path, compares the digests and puts them into folders by `file` has what
`assay vectors run` wants. The digest of every file is checked before its line is written.
"""
import hashlib
import json
import os
import re
import sys


def entries(folder):
    for parent, folders, names in os.walk(folder):
        folders.sort()
        if "MANIFEST.json" not in names:
            continue
        with open(os.path.join(parent, "MANIFEST.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        for entry in manifest if isinstance(manifest, list) else manifest["files"]:
            yield parent, entry


def source(entry):
    """Repository and path, from either form of a manifest."""
    if "source_repo" in entry:
        return entry["source_repo"], entry["source_path"]
    match = re.match(r"(\S+/\S+)(?: \S+)?:(\S+)", entry.get("source", ""))
    return match.groups() if match else (None, None)


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__)
    shared = sys.argv[1]
    lines, left = [], 0
    for parent, entry in entries(shared):
        repository, path = source(entry)
        place = os.path.join(parent, entry["file"])
        is_published = repository and re.fullmatch(r"[\w.-]+/[\w.-]+", repository) and " " not in path
        if entry.get("derived") or not is_published or not entry.get("commit"):
            left += 1
            continue
        with open(place, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        if digest != entry["sha256"]:
            sys.exit(f"{place}: expected {entry['sha256']}, found {digest}")
        outcome = entry.get("expected", entry.get("note", ""))
        lines.append(
            {
                "file": os.path.relpath(place, shared),
                "repository": repository,
                "path": path,
                "commit": entry["commit"],
                "sha256": digest,
                "outcome": outcome if isinstance(outcome, str) else json.dumps(outcome, sort_keys=True),
            }
        )
    lines.sort(key=lambda line: line["file"])
    print('{"schema": "assay.external/1",')
    print(' "about": "Vectors of other projects: where they are published, their digest, and what must come of them.",')
    print(f' "withoutFile": {left},')
    print(' "files": [')
    print(",\n".join("  " + json.dumps(line, ensure_ascii=False) for line in lines))
    print(" ]}")


main()
