#!/bin/sh
# Creates Backout's namespace and search attributes. The temporal command reads TEMPORAL_ADDRESS and
# TEMPORAL_NAMESPACE by itself. What exists already stays, so the job may run at each start.
set -eu

retention=2160h # 90 days. Temporal's default would forget an incident the next day.

# Repeats a command until it succeeds, for a minute at most.
patiently() {
  attempts=30
  until "$@"; do
    attempts=$((attempts - 1))
    [ "$attempts" -gt 0 ] || { echo "Gave up: $*" >&2; exit 1; }
    sleep 2
  done
}

patiently temporal operator cluster health

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
fi

# Patiently: a new namespace reaches the server's caches only after some seconds.
patiently temporal operator search-attribute create --type Keyword \
  --name BackoutService --name BackoutRelease --name BackoutPlaybook \
  --name BackoutSeverity --name BackoutPhase --name BackoutOutcome
echo "Namespace $TEMPORAL_NAMESPACE is ready."
