"""Certificates of an authority of one's own, in files, for servers and clients that want them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme

#: A validity that ended long ago.
EXPIRED: dict[str, datetime] = {
    "not_before": datetime(2020, 1, 1, tzinfo=UTC),
    "not_after": datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=1),
}


class Authority:
    """Signs certificates; its own is in the file ``ca``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)

    def server(self, *names: str, **validity: Any) -> Path:
        """Return the file of a server's certificate and key; by default for this machine."""
        return self._file(names or ("127.0.0.1", "localhost"), organization_name="servers", **validity)

    def client(self, name: str, **validity: Any) -> Path:
        """Return the file of a client's certificate and key."""
        return self._file((f"{name}@example.org",), common_name=name, organization_name="clients", **validity)

    def _file(self, names: tuple[str, ...], **settings: Any) -> Path:
        made = self._authority.issue_cert(*names, **settings)
        path = self._folder / f"{len(list(self._folder.iterdir()))}.pem"
        made.private_key_and_cert_chain_pem.write_to_path(path)
        return path
