/**
 * Whether what the server says to have stored is stored.
 *
 * A shard whose disk is full closes its log of changes, and starts anew from what is on the disk. Requests that wait for that
 * log to be written at this moment are answered "created", and are lost: Elasticsearch takes a log that is closed for one that is
 * written (`InternalEngine.createTranslogSyncProcessor` swallows AlreadyClosedException; 8.19, docs/faults.md).
 *
 * Promises: a document counts as stored only if its shard's global checkpoint, which moves when every copy in sync has
 * written its log to the disk, has come past it after the answer, and the shard has not started anew since (its primary
 * term).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { pathsOf, type Connection } from './client.ts'

/** A document as the server's answer to its write has it. */
export interface Acknowledged {
  readonly index: string
  readonly term: number | undefined
  readonly seqNo: number | undefined
}

interface Copy {
  readonly routing?: { readonly primary?: boolean }
  readonly seq_no?: { readonly global_checkpoint: number }
}

interface Stats {
  readonly indices?: Readonly<Record<string, { readonly shards?: Readonly<Record<string, readonly Copy[]>> }>>
}

interface ClusterState {
  readonly metadata?: {
    readonly indices?: Readonly<Record<string, { readonly primary_terms?: Readonly<Record<string, number>> }>>
  }
}

/** The checkpoint waits for writes that were begun before ours by others: asked again so many times, a little later each time. */
const asksMax = 12
const pauseMsMax = 100
const lenient = { ignore_unavailable: true, allow_no_indices: true } as const

/** Those of them that are known to be stored. An index that was given more than one shard is never known. */
export async function stored<T extends Acknowledged>(
  connection: Connection,
  items: readonly T[],
): Promise<ReadonlySet<T>> {
  const found = new Set<T>()
  for (const path of pathsOf(items.map(({ index }) => index))) {
    const names = new Set(path.split(','))
    const ofPath = items.filter(({ index }) => names.has(index))
    const checkpoints = await untilPast(connection, path, ofPath)
    // In this order: a shard that had started anew when it told its checkpoint has its next term by now.
    const terms = await primaryTerms(connection, path)
    for (const item of ofPath) {
      const { index, term, seqNo } = item
      if (term !== undefined && term === terms.get(index) && isPast(checkpoints, index, seqNo)) found.add(item)
    }
  }
  return found
}

type Checkpoints = ReadonlyMap<string, number>

const isPast = (checkpoints: Checkpoints, index: string, seqNo = Infinity): boolean =>
  seqNo <= (checkpoints.get(index) ?? -1)

/** Waits until the checkpoints have passed them all, but not for a shard that can't say, and not for ever. */
async function untilPast(connection: Connection, path: string, items: readonly Acknowledged[]): Promise<Checkpoints> {
  for (let asks = 1; ; asks += 1) {
    const checkpoints = await globalCheckpoints(connection, path)
    const behind = items.filter(({ index, seqNo }) => !isPast(checkpoints, index, seqNo))
    if (asks >= asksMax || !behind.some(({ index }) => checkpoints.has(index))) return checkpoints
    await sleep(Math.min(pauseMsMax, 2 ** asks))
  }
}

/** Of indices whose one shard is there. */
async function globalCheckpoints(connection: Connection, path: string): Promise<Checkpoints> {
  const copies = 'indices.*.shards.*'
  const { indices = {} } = await connection.ask<Stats>({
    method: 'GET',
    path: `/${path}/_stats/translog`,
    querystring: {
      ...lenient,
      level: 'shards',
      filter_path: `${copies}.routing.primary,${copies}.seq_no.global_checkpoint`,
    },
  })
  const found = new Map<string, number>()
  for (const [index, { shards = {} }] of Object.entries(indices)) {
    const primary = (shards['0'] ?? []).find(({ routing }) => routing?.primary === true)
    if (primary?.seq_no !== undefined) found.set(index, primary.seq_no.global_checkpoint)
  }
  return found
}

/** Of indices with one shard. */
async function primaryTerms(connection: Connection, path: string): Promise<ReadonlyMap<string, number>> {
  const { metadata } = await connection.ask<ClusterState>({
    method: 'GET',
    path: `/_cluster/state/metadata/${path}`,
    querystring: { ...lenient, filter_path: 'metadata.indices.*.primary_terms' },
  })
  const found = new Map<string, number>()
  for (const [index, { primary_terms = {} }] of Object.entries(metadata?.indices ?? {})) {
    const [term, another] = Object.values(primary_terms)
    if (term !== undefined && another === undefined) found.set(index, term)
  }
  return found
}
