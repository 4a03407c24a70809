#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml reads, in deploy/secrets, each once: a file that is there is left alone.
set -euo pipefail
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p secrets
# Containers read the files under users of their own; the folder keeps others on this machine out.
chmod 0700 secrets

names=(hmac-key kafka-admin elastic-admin elasticsearch grafana-admin
  token-admin token-analyst token-collector token-gateway token-metrics token-respond)
for service in collect normalize detect meter correlate respond licensing authorize indexer schedule console; do
  names+=("kafka-$service")
done
for name in "${names[@]}"; do
  [ -s "secrets/$name" ] || { openssl rand -hex 32 | tr -d '\n' >"secrets/$name"; echo "made secrets/$name"; }
  chmod 0444 "secrets/$name"
done
