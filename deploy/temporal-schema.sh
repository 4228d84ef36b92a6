#!/bin/sh
# Creates Temporal's two databases and brings their schemas to the version of this image.
# Every command leaves alone what exists already, so the job may run at each start.
set -eu

schemas=/etc/temporal/schema/postgresql/v12

sql() {
  temporal-sql-tool --plugin "$DB" --ep "$POSTGRES_SEEDS" -p "$DB_PORT" -u "$POSTGRES_USER" "$@"
}

for database in temporal temporal_visibility; do
  sql --db "$database" create
  sql --db "$database" setup-schema -v 0.0
  sql --db "$database" update-schema -d "$schemas/${database#temporal_}/versioned"
done
