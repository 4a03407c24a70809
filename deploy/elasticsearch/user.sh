#!/bin/bash
# Makes the user that the services search and store as: it may manage what is named modelwarden-*, and nothing else. Run once
# by Compose; running it again changes nothing.
set -euo pipefail
umask 077

server=${SERVER:-http://elasticsearch:9200}
secrets=${SECRETS:-/run/secrets}
# Passwords go through files: a program's arguments can be read by every process.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'user = "elastic:%s"\n' "$(cat "$secrets/elastic-admin")" >"$work/as-elastic"

put() {
  cat >"$work/body"
  curl --fail-with-body --silent --show-error --config "$work/as-elastic" -X PUT "$server/_security/$1" \
    -H 'content-type: application/json' --data "@$work/body"
  echo
}

put role/modelwarden <<'ROLE'
{
  "cluster": ["monitor", "manage_index_templates", "manage_ilm"],
  "indices": [{ "names": ["modelwarden-*"], "privileges": ["all"] }]
}
ROLE
put user/modelwarden <<USER
{ "password": "$(cat "$secrets/elasticsearch")", "roles": ["modelwarden"] }
USER
