"""The release went before its policies: what docs/install.md says then has the teams' own routes serve again."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from ..waiting import wait_until
from .behind import Site

DOCUMENT: Final = (Path(__file__).parents[2] / "docs/install.md").read_text()
REMOVE: Final = DOCUMENT.partition("\n## Removed before its policies\n")[2].partition("\n## ")[0]


def test_what_an_uninstalled_release_has_left_is_taken_away_as_the_document_says(site: Site) -> None:
    commands = [
        shlex.split(line) for line in re.findall(r"^kubectl (delete \S+ --all-namespaces .*)$", REMOVE, re.MULTILINE)
    ]
    assert len(commands) == 2
    installation = site.behind.installation
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")
    operator, (data_plane, _) = installation.operators[0], installation.data_planes["dp-0"]
    assert operator.stop() == 0
    data_plane.kill()
    try:
        site.wait_served_by("503")

        site.kube.kubectl(*commands[0])
        site.wait_served_by("theirs")
        site.kube.kubectl(*commands[1])

        assert site.behind.generated() == []
        assert site.server() == "theirs"
        assert site.kube.get("RoutingPolicy", site.namespace, site.name)
    finally:
        data_plane.start()
        operator.start()
        installation.wait_leader()
    # Installed again, the policy is what it was.
    site.wait_served_by("small", seconds=60.0)
    wait_until(lambda: site.wait(site.name, "Programmed"), "it says so")
