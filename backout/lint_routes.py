"""What is wrong in the routes of a site, held against each other and against their playbooks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from backout.lint_queries import every_query
from backout.playbook import Playbook
from backout.site import ExpositionSource, PrometheusSource, Route, Site, SqlSource

_SERVICE = re.compile(r"\$service\b|\$\{service\}|(?<![:\w\\]):service\b")


def route_problems(site: Site, playbooks: Mapping[str, Playbook]) -> Iterator[str]:
    """Yield routes that take nothing, and routes to a service that their playbook does not look at."""
    yield from _never_taken(site.routes)
    for number, one in enumerate(site.routes):
        playbook = playbooks[one.playbook]
        if one.service_label or one.service not in {None, playbook.release.service}:
            place = f"routes[{number}].{'service_label' if one.service_label else 'service'}"
            yield from (f"{place}: {why}" for why in _blind_to_service(playbook, site))


def _never_taken(routes: Sequence[Route]) -> Iterator[str]:
    for number, one in enumerate(routes):
        for earlier, other in enumerate(routes[:number]):
            if other.match.items() <= one.match.items():
                yield f"routes[{number}].match: routes[{earlier}] takes all of these; let it stand later"
                break


def _blind_to_service(playbook: Playbook, site: Site) -> Iterator[str]:
    """Yield each query that counts the same for every service; pushes and reports know theirs."""
    for path, source, query, _ in every_query(playbook):
        asked = site.sources.get(source)
        if isinstance(asked, ExpositionSource | PrometheusSource | SqlSource) and not _SERVICE.search(query):
            where = ".".join(map(str, path))
            yield (
                f"{where} of playbook '{playbook.playbook}' counts '{playbook.release.service}' whatever the "
                f"service is; write $service into it (:service for a database)"
            )
