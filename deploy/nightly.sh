#!/bin/sh
# Once a day: deletes what is past its age, backs up store and registry, and checks the audit log.
# Arguments: folder of backups, folder of the mlflow server, days for which backups are stored, and
# `once` to end after the first time.
set -eu
backups=$1 mlflow=$2 days=$3
umask 077
while true; do
    night=$backups/$(date -u +%Y-%m-%dT%H%M%SZ)
    recommender sweep
    recommender backup "$night" --without registry --without bundles
    recommender restore "$night" --check
    # The registry behind http:// is not part of `recommender backup`: its database, then its files.
    python3 - "$mlflow/mlflow.db" "$night.mlflow.db" <<'PYTHON'
import sqlite3, sys
source, target = (sqlite3.connect(name) for name in sys.argv[1:])
source.backup(target)
PYTHON
    # Nothing was trained yet where it is missing.
    mkdir -p "$mlflow/artifacts"
    tar -C "$mlflow" -czf "$night.artifacts.tar.gz" artifacts
    recommender audit anchor
    recommender audit verify
    find "$backups" -mindepth 1 -maxdepth 1 -name '20*Z*' -mtime "+$days" -exec rm -r {} +
    if [ "${4:-}" = once ]; then exit 0; fi
    sleep 86400
done
