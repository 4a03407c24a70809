/**
 * How an Elasticsearch and our indices on it are, for `modelwarden doctor`.
 *
 * Promises: reads only; the first question rejects where the server does not answer, so that nothing else is guessed.
 */
import { isDeepStrictEqual } from 'node:util'
import { counted } from '../../core/counted.ts'
import { clockSkewMs, summed, type Diagnosis } from '../../core/diagnosis.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { collections } from '../../core/ports/search-index.ts'
import type { Connection } from './client.ts'
import type { ElasticsearchSettings } from './config.ts'
import type { Lifecycle } from './lifecycle.ts'
import { mappingsOf, templateVersion } from './templates.ts'

/** The client speaks with servers of its own major version. */
export const serverMajor = 8

export async function diagnoseElasticsearch(
  connection: Connection,
  settings: ElasticsearchSettings,
  lifecycle: Lifecycle,
  clock: Clock,
): Promise<readonly Diagnosis[]> {
  const root = await connection.ask<{ version: { number: string } }>({ method: 'GET', path: '/' })
  const version = judgeVersion(root.version.number)
  // What another major answers may look alike and mean something else.
  if (version.state === 'fail') return [version]
  return [
    version,
    ...(await Promise.all([
      health(connection),
      templatesAsOurs(connection, lifecycle),
      indicesAsOurs(connection, lifecycle),
      removal(connection, settings, lifecycle),
      serverClock(connection, clock),
    ])),
  ]
}

export function judgeVersion(number: string): Diagnosis {
  if (Number(number.split('.')[0]) === serverMajor)
    return { name: 'version', state: 'ok', says: `Elasticsearch ${number}.` }
  return {
    name: 'version',
    state: 'fail',
    says: `The server is Elasticsearch ${number}; this version of Modelwarden speaks with ${serverMajor}.`,
    do: `Run Elasticsearch ${serverMajor}.`,
  }
}

interface Health {
  readonly status: string
  readonly number_of_nodes: number
  readonly unassigned_shards: number
}

export function judgeHealth({ status, number_of_nodes: nodes, unassigned_shards: missing }: Health): Diagnosis {
  const says = `The cluster is ${status}: ${counted(nodes, 'node')}, ${counted(missing, 'shard')} without a place.`
  const name = 'health'
  if (status === 'red')
    return { name, state: 'fail', says: `${says} Some documents can't be reached.`, do: 'Bring the missing nodes back: GET _cluster/allocation/explain says why.' } // prettier-ignore
  if (status !== 'green')
    return { name, state: 'warn', says: `${says} Some have no second copy.`, do: 'Add a node, or set index.elasticsearch.replicas to what the nodes can hold.' } // prettier-ignore
  if (nodes > 1) return { name, state: 'ok', says }
  return { name, state: 'warn', says: `${says} With its disk the index is lost, until it is filled again from the bus.`, do: 'Add a node, or keep snapshots (docs/operations.md).' } // prettier-ignore
}

async function health(connection: Connection): Promise<Diagnosis> {
  return judgeHealth(await connection.ask<Health>({ method: 'GET', path: '/_cluster/health' }))
}

interface Template {
  readonly version?: number
  readonly template?: { readonly mappings?: { readonly properties?: unknown } }
}

async function templatesAsOurs(connection: Connection, { names }: Lifecycle): Promise<Diagnosis> {
  const asked = collections.map(async (collection) => {
    const path = `/_index_template/${names.template(collection)}`
    const found = await connection.ask<{ index_templates: readonly { index_template: Template }[] }>(
      { method: 'GET', path },
      { absent: [404] },
    )
    return judgeTemplate(names.template(collection), found?.index_templates[0]?.index_template, mappingsOf(collection))
  })
  const found = (await Promise.all(asked)).filter((each) => each !== undefined)
  return summed('templates', `All ${collections.length} are ours, version ${templateVersion}.`, found)
}

/** Undefined where it is as ours. */
export function judgeTemplate(
  name: string,
  found: Template | undefined,
  ours: Readonly<Record<string, unknown>>,
): Omit<Diagnosis, 'name'> | undefined {
  const again = 'The indexer writes it when it starts: start it, or start it again.'
  if (found === undefined) return { state: 'warn', says: `There is no template ${name} yet.`, do: again }
  const version = found.version ?? 0
  if (version > templateVersion) {
    const says = `The template ${name} is of a newer Modelwarden (${version}; this one has ${templateVersion}).`
    return { state: 'fail', says, do: 'Run one version of Modelwarden in all processes.' }
  }
  if (version < templateVersion)
    return { state: 'warn', says: `The template ${name} has version ${version}, ours ${templateVersion}.`, do: again }
  if (isDeepStrictEqual(found.template?.mappings?.properties, plain(ours['properties']))) return undefined
  return { state: 'fail', says: `Somebody has changed the mappings of the template ${name}.`, do: again }
}

/** As JSON has it: what is undefined is not there. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

async function indicesAsOurs(connection: Connection, { names }: Lifecycle): Promise<Diagnosis> {
  const mappings = await connection.ask<Readonly<Record<string, { mappings: { _meta?: Meta } }>>>({
    method: 'GET',
    path: `/${collections.map((each) => names.all(each)).join()}/_mapping`,
    querystring: { allow_no_indices: true, ignore_unavailable: true },
  })
  return judgeIndices(Object.entries(mappings).map(([name, { mappings: mapping }]) => [name, mapping._meta] as const))
}

interface Meta {
  readonly modelwarden?: { readonly version?: number }
}

export function judgeIndices(indices: readonly (readonly [string, Meta | undefined])[]): Diagnosis {
  const name = 'mappings'
  const foreign = indices.filter(([, meta]) => meta?.modelwarden?.version === undefined).map(([index]) => index)
  if (foreign.length > 0) {
    return {
      name,
      state: 'fail',
      says: `${counted(foreign.length, 'index was', 'indices were')} made without our templates: ${foreign.slice(0, 5).join(', ')}. Searches miss what is in them.`,
      do: 'Remove them and let the indexer fill them again from the bus (docs/operations.md).',
    }
  }
  const older = indices.filter(([, meta]) => meta!.modelwarden!.version! < templateVersion).length
  if (older === 0)
    return { name, state: 'ok', says: `${counted(indices.length, 'index', 'indices')}, all with our mappings.` }
  const says = `${older} of ${counted(indices.length, 'index', 'indices')} have the mapping of an older version.`
  return { name, state: 'warn', says, do: 'The indexer adds the new fields when it starts.' }
}

async function removal(
  connection: Connection,
  { eventsKeptDays }: ElasticsearchSettings,
  lifecycle: Lifecycle,
): Promise<Diagnosis> {
  const name = 'lifecycle'
  if ((await lifecycle.kind()) === 'expire') {
    return { name, state: 'ok', says: `The server has no running lifecycle management: the indexer itself removes days of events after ${counted(eventsKeptDays, 'day')}.` } // prettier-ignore
  }
  const policy = await connection.ask<unknown>(
    { method: 'GET', path: `/_ilm/policy/${lifecycle.names.policy}` },
    { absent: [404] },
  )
  if (policy !== undefined)
    return {
      name,
      state: 'ok',
      says: `The server (ILM) removes days of events after ${counted(eventsKeptDays, 'day')}.`,
    }
  const says = `The server has lifecycle management (ILM), and no policy ${lifecycle.names.policy} yet.`
  return { name, state: 'warn', says, do: 'The indexer writes it when it starts.' }
}

async function serverClock(connection: Connection, clock: Clock): Promise<Diagnosis> {
  const before = clock.nowMs()
  const stats = await connection.ask<{ nodes?: Readonly<Record<string, { timestamp: number }>> }>(
    { method: 'GET', path: '/_nodes/stats/os', querystring: { filter_path: 'nodes.*.timestamp' } },
    { absent: [403] },
  )
  return judgeClocks(Object.values(stats?.nodes ?? {}).map(({ timestamp }) => timestamp), before, clock.nowMs()) // prettier-ignore
}

/** `times`: what the nodes' clocks said at some moment between the two of ours. */
export function judgeClocks(times: readonly number[], beforeMs: number, afterMs: number): Diagnosis {
  const name = 'clock'
  if (times.length === 0) return { name, state: 'ok', says: 'This user may not see the clocks of the nodes.' }
  const apart = Math.max(...times.map((time) => Math.max(0, beforeMs - time, time - afterMs)))
  if (apart <= clockSkewMs.warn)
    return { name, state: 'ok', says: 'The clocks of the nodes and of this machine agree.' }
  return {
    name,
    state: apart > clockSkewMs.fail ? 'fail' : 'warn',
    says: `The clock of a node and that of this machine are ${(apart / 1_000).toFixed(1)} s apart.`,
    do: 'Let NTP set the clocks of the nodes and of this machine.',
  }
}
