"""Stands in for Prometheus and Alertmanager: crude thresholds on /metrics, and a real webhook that repeats.

It only raises the alarm. Whether the release is bad is for Backout to say, from evidence of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from demo import releases

LOOK_EVERY_S = 1.0
WINDOW_LOOKS = 4
"""A rate is taken over this many looks."""
LEAST_OUTPUTS = 30
REPEAT_EVERY_S = 3.0
NEVER = "0001-01-01T00:00:00Z"
"""What Alertmanager writes as the end of an alert that still fires."""


@dataclass(frozen=True)
class AlertRule:
    """A crude threshold, as teams have them: more than a share over the last looks."""

    name: str
    bad: str
    of: str
    above: float
    about: str


RULES = (
    AlertRule("ChatErrorRateHigh", "chat_errors_total", "chat_requests_total", 0.05, "requests fail"),
    AlertRule("ChatUnsafeAnswers", "chat_unsafe_total", "chat_judged_total", 0.03, "answers are unsafe"),
    AlertRule(
        "ChatUnsupportedAnswers", "chat_unsupported_total", "chat_judged_total", 0.06, "answers are made up"
    ),
)

Look = dict[tuple[str, str], float]
"""Counter name and release, and the count."""


@dataclass
class Episode:
    """One alert from the moment it fires until it is resolved."""

    rule: AlertRule
    release: str
    rate: float
    starts_at: datetime
    ends_at: datetime | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The alert's labels, as the playbook's route matches them."""
        return {
            "alertname": self.rule.name,
            "release": self.release,
            "service": releases.SERVICE,
            "severity": "critical",
        }

    @property
    def summary(self) -> str:
        """What a person reads first."""
        return f"{100 * self.rate:.0f} % of {self.release}'s {self.rule.about}"

    def as_sent(self) -> dict[str, object]:
        """Return the alert as Alertmanager's webhook carries it."""
        identity = "\n".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return {
            "status": "resolved" if self.ends_at else "firing",
            "labels": self.labels,
            "annotations": {"summary": self.summary},
            "startsAt": self.starts_at.isoformat(),
            "endsAt": self.ends_at.isoformat() if self.ends_at else NEVER,
            "generatorURL": "http://monitoring.example/graph",
            "fingerprint": hashlib.sha256(identity.encode()).hexdigest()[:16],
        }


def look_at(page: str) -> Look:
    """Read the counters of a /metrics page."""
    return {
        (sample.name, sample.labels["release"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.endswith("_total") and "release" in sample.labels
    }


def rate_of(rule: AlertRule, release: str, *, first: Look, last: Look) -> float | None:
    """Return the bad share between two looks; None where too few outputs came for one."""
    outputs = last[rule.of, release] - first[rule.of, release]
    if outputs < LEAST_OUTPUTS:
        return None
    return (last[rule.bad, release] - first[rule.bad, release]) / outputs


def webhook_of(episodes: list[Episode]) -> dict[str, object]:
    """Return Alertmanager's webhook, version 4, for a group of alerts."""
    release = episodes[0].release
    common = set.intersection(*(set(episode.labels.items()) for episode in episodes))
    summaries = {episode.summary for episode in episodes}
    return {
        "version": "4",
        "receiver": "backout",
        "status": "firing" if any(episode.ends_at is None for episode in episodes) else "resolved",
        "alerts": [episode.as_sent() for episode in episodes],
        "groupLabels": {"release": release},
        "commonLabels": dict(sorted(common)),
        "commonAnnotations": {"summary": summaries.pop()} if len(summaries) == 1 else {},
        "externalURL": "http://monitoring.example",
        "groupKey": f'{{}}:{{release="{release}"}}',
        "truncatedAlerts": 0,
    }


class Monitoring:
    """Looks at the service each second and tells the gateway; repeats as long as something fires."""

    def __init__(
        self,
        *,
        metrics: str,
        webhook: str,
        token: str,
        look_every_s: float = LOOK_EVERY_S,
        repeat_every_s: float = REPEAT_EVERY_S,
    ) -> None:
        self._look_every_s = look_every_s
        self._repeat_every_s = repeat_every_s
        self._metrics = metrics
        self._webhook = webhook
        self._token = token
        self._looks: deque[Look] = deque(maxlen=WINDOW_LOOKS + 1)
        self._firing: dict[str, Episode] = {}
        self._told_at_s = 0.0
        self.sent = 0
        """Alert messages that the gateway took."""
        self.refused = ""
        """Why the gateway refused the last message; empty when it took it."""

    async def run(self) -> None:
        """Look and tell until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
            while True:
                try:
                    await self._look_and_tell(http)
                except (aiohttp.ClientError, TimeoutError) as error:
                    self.refused = f"not reached: {error}"
                await asyncio.sleep(self._look_every_s)

    async def _look_and_tell(self, http: aiohttp.ClientSession) -> None:
        async with http.get(self._metrics) as response:
            self._looks.append(look_at(await response.text()))
        changed = self._judge()
        now_s = asyncio.get_running_loop().time()
        due = changed or now_s >= self._told_at_s + self._repeat_every_s
        if self._firing and due and await self._tell(http):
            self._told_at_s = now_s
            self._firing = {name: alert for name, alert in self._firing.items() if alert.ends_at is None}

    def _judge(self) -> bool:
        """Update what fires; return whether that changed."""
        now = datetime.now(UTC)
        changed = False
        for rule in RULES:
            rate = rate_of(rule, releases.CANDIDATE, first=self._looks[0], last=self._looks[-1])
            fires = rate is not None and rate > rule.above
            if fires and rule.name not in self._firing:
                self._firing[rule.name] = Episode(rule, releases.CANDIDATE, rate or 0, now)
                changed = True
            elif not fires and rule.name in self._firing:
                self._firing[rule.name].ends_at = now
                changed = True
        return changed

    async def _tell(self, http: aiohttp.ClientSession) -> bool:
        """Send what fires and what just ended; return whether the gateway took it."""
        body = webhook_of(list(self._firing.values()))
        presented = {"Authorization": f"Bearer {self._token}"}
        async with http.post(self._webhook, json=body, headers=presented) as response:
            self.refused = "" if response.ok else f"HTTP {response.status}: {await response.text()}"
            self.sent += response.ok
            return response.ok
