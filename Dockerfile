# The program and its content. Runs as a user of its own, from a file system that may be read-only; data goes to /data.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image's own Node serves: the package that brings one for developers' machines need not unpack it.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production MODELWARDEN_DATA__FOLDER=/data MODELWARDEN_LOG__FORMAT=json
WORKDIR /app
RUN groupadd --gid 10001 modelwarden \
  && useradd --uid 10001 --gid modelwarden --no-create-home --shell /usr/sbin/nologin modelwarden \
  && install -d -o modelwarden -g modelwarden -m 0700 /data
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY core core
COPY engine engine
COPY runtime runtime
COPY adapters adapters
COPY connectors connectors
COPY services services
COPY cli cli
COPY demo demo
COPY sources sources
COPY rules rules
COPY playbooks playbooks
USER modelwarden
VOLUME /data
EXPOSE 8471
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8471/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "cli/modelwarden.ts"]
CMD ["--help"]
