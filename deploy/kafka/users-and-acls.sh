#!/bin/bash
# Makes a Kafka user for each service, and gives each what acls.txt says. Run once by Compose; running it again changes nothing.
set -euo pipefail

kafka=${KAFKA:-kafka:9092}
secrets=${SECRETS:-/run/secrets}
here=$(dirname "${BASH_SOURCE[0]}")
admin=$(mktemp)
trap 'rm -f "$admin"' EXIT
cat >"$admin" <<PROPERTIES
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="$(cat "$secrets/kafka-admin")";
PROPERTIES

for service in collect normalize detect meter correlate respond licensing authorize indexer schedule console; do
  /opt/kafka/bin/kafka-configs.sh --bootstrap-server "$kafka" --command-config "$admin" --alter \
    --entity-type users --entity-name "$service" \
    --add-config "SCRAM-SHA-512=[password=$(cat "$secrets/kafka-$service")]" >/dev/null
  echo "user $service"
done

while read -r rule; do
  # shellcheck disable=SC2086 -- a rule is a line of arguments
  /opt/kafka/bin/kafka-acls.sh --bootstrap-server "$kafka" --command-config "$admin" --add $rule >/dev/null
done <"$here/acls.txt"
echo "$(wc -l <"$here/acls.txt") rules"
