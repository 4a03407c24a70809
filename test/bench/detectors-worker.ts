/**
 * Detect over many accounts, one process: what the behavior rules cost a query and an account, and whether keys that nobody
 * knows push out what is known. Prints one JSON object.
 * `detectors-worker.ts ACCOUNTS UNKNOWN [only-sigma | only-behavior]`.
 *
 * Accounts come as they do in life, some thousands a day, are known on the next, and ask now and then, so that they are
 * not forgotten; then all ask within an hour, which is what is measured: each query finds an account that was long out
 * of the processor's caches. One in five has a second key or place. Event time goes on with the queries, as it does
 * past normalize: what is over closes.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Event } from '../../core/event.ts'
import { topics } from '../../core/topics.ts'
import { learnReference } from '../../engine/behavior/model-queries/honest/reference.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import { loadFolders } from '../../runtime/content/content-files.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import type { KeyedState, StateKeeper } from '../../runtime/stage/stage.ts'
import { tuneGarbageCollector } from '../../runtime/garbage-collector.ts'
import type { ObservedByBehavior } from '../../services/detect/observed.ts'
import { silentReport } from '../../services/detect/cost.ts'
import { DetectLogic } from '../../services/detect/detect-stage.ts'
import { randomOf } from '../support/random.ts'
import { worldOf } from '../support/traffic/world.ts'

// As the program does.
tuneGarbageCollector()

const accounts = Number(process.argv[2])
const unknown = Number(process.argv[3])
/** Which rules are in force, with the lists that they read. */
const only = process.argv[4]
const startMs = Date.UTC(2026, 0, 5)
const hourMs = 3_600_000
/** New accounts of a day: with all their groups fewer than the new ones that are kept. */
const wave = 18_000
/** From one day's beginning to the next: who came in the second hour of one is known in the first hour of the next. */
const stepMs = 26 * hourMs
/** Days after which an account asks again: before the first detector forgets it. */
const returnDays = 25
/** Queries between two watermarks, and how far these stand back. */
const batch = 256
const latenessMs = 600_000
/** Queries between two checkpoints. */
const checkpointQueries = 50_000
/** Records that are parsed to know the machine. */
const parsedAtOnce = 10_000
/** Known accounts whose state is compared before and after the unknown keys. */
const comparedEvery = 997
/** Looks at the memory before and after the unknown keys, at most, and how far apart two may be that agree. */
const looksMax = 4
const agreeBytes = 1e6

const { files } = await loadFolders([join(import.meta.dirname, '../../rules')])
const isBehavior = (text: string): boolean => /^behavior:/m.test(text)
const isSigma = (text: string): boolean => !isBehavior(text) && /^(detection|correlation):/m.test(text)
const rules = files.filter(({ text }) =>
  only === 'only-sigma' ? !isBehavior(text) : only === 'only-behavior' ? !isSigma(text) : true,
)
/** A task's state without its list of changes: what a checkpoint costs is no part of this. */
class BenchState implements KeyedState {
  readonly #entries = new Map<string, unknown>()
  readonly #settling: (() => void)[] = []
  readonly #keepers: StateKeeper[] = []

  get size(): number {
    return this.#keepers.reduce((sum, { size }) => sum + size, this.#entries.size)
  }

  get<T>(key: string): T | undefined {
    return this.#entries.get(key) as T | undefined
  }

  set(key: string, value: unknown): void {
    this.#entries.set(key, value)
  }

  keptBy(keeper: StateKeeper): void {
    this.#keepers.push(keeper)
  }

  handOver(key: string): void {
    this.#entries.delete(key)
  }

  handOn(): void {
    // Its keeper has it.
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  *entries<T>(prefix: string): IterableIterator<[key: string, value: T]> {
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry as [string, T]
    for (const keeper of this.#keepers) {
      for (const entry of keeper.entries()) if (entry[0].startsWith(prefix)) yield entry as [string, T]
    }
  }

  beforeCheckpoint(settle: () => void): void {
    this.#settling.push(settle)
  }

  checkpoint(): void {
    for (const settle of this.#settling) settle()
  }
}

const state = new BenchState()
const logic = new DetectLogic(state, silentReport)
const out = new CollectedOutcome()
logic.content('rules', bundleOf('rules', rules), rules)

const world = worldOf({ seed: 1, dimension: 64, classes: 10, blank: 0.3 })
const inputs = Array.from({ length: 500 }, () => {
  const x = world.honest()
  return { x, ...world.answer(x) }
})
const random = randomOf(2)

/** Every second day one account in ten calls from another place, and one in ten with another key. */
function useOf(user: string, atMs: number): { readonly ip: string; readonly key: string } {
  const isOther = Math.floor((atMs - startMs) / stepMs) % 2 === 1
  return {
    ip: isOther && user.endsWith('0') ? '198.51.100.9' : '203.0.113.7',
    key: isOther && user.endsWith('5') ? `hmac-other-${user}` : `hmac-${user}`,
  }
}

function eventOf(number: number, user: string, atMs: number): Event {
  const { ip, key } = useOf(user, atMs)
  const { x, probs, label } = inputs[Math.floor(random() * inputs.length)]!
  return {
    '@timestamp': new Date(atMs).toISOString(),
    event: {
      id: number.toString(16).padStart(32, '0').split('').reverse().join(''),
      kind: 'event',
      category: ['api'],
      action: 'inference',
      outcome: 'success',
      dataset: 'gateway',
      created: '2026-01-05T00:00:00.000Z',
      hash: '4e4471d4b586f7000c7058c5b7a0edb7fd023052e01cdbf076f8cb11f70a04ce',
    },
    organization: { id: 't' },
    user: { id: user },
    source: { ip, geo: { country_iso_code: 'DE' } },
    user_agent: { original: 'python-requests/2.32' },
    warden: {
      principal: `t/${user}`,
      logsource: { product: 'modelwarden', category: 'inference' },
      position: { topic: 'inference.events', partition: 0, offset: number, index: 0 },
      credential: { id: key },
      model: { id: 'm' },
      bytes: 130,
      input: { features: x, hash: `i${number}` },
      output: { probabilities: probs, label, confidence: probs[label]! },
    },
  }
}

let number = 0
let latestMs = 0
function ask(user: string, atMs: number): void {
  logic.event(eventOf(number++, user, atMs), { appendedMs: atMs }, out)
  if (atMs > latestMs) latestMs = atMs
  if (number % batch === 0) {
    logic.watermark(latestMs - latenessMs, out)
    out.clear()
  }
  if (number % checkpointQueries === 0) state.checkpoint()
}

/** Accounts from one number up to another ask within an hour. */
function askAll(first: number, end: number, name: string, fromMs: number): void {
  const from = Math.max(0, first)
  for (let n = from; n < end; n++) ask(name + String(n), fromMs + Math.floor(((n - from) / (end - from)) * hourMs))
}

/** `all`: of all threads, for the garbage collector's are part of what it costs; `own`: of this one. */
function microsOf(work: () => void): { readonly all: number; readonly own: number } {
  const started = process.cpuUsage()
  const startedOwn = process.threadCpuUsage()
  work()
  const own = process.threadCpuUsage(startedOwn)
  const { user, system } = process.cpuUsage(started)
  return { all: user + system, own: own.user + own.system }
}

/** What a bare JSON.parse of a query's record takes, the least of some rounds: how fast this machine is just now. */
function parseMicros(): number {
  const record = JSON.stringify(eventOf(number, 'a1', startMs))
  const rounds = Array.from({ length: 5 }, () => microsOf(() => void parseAgain(record)).own)
  return Math.min(...rounds) / parsedAtOnce
}

function parseAgain(record: string): number {
  let offsets = 0
  for (let n = 0; n < parsedAtOnce; n++) offsets += (JSON.parse(record) as Event).warden.position.offset
  return offsets
}

/** From here on honest use is known, as it is in a model's second week: each query is compared with it. */
function teach(): void {
  const samples = Array.from({ length: 10 }, () =>
    inputs.map(({ x, label, margin }) => ({ x: Float64Array.from(x), label: String(label), margin })),
  )
  const value = learnReference(samples)
  logic.event(eventOf(number++, 'teacher', startMs), { appendedMs: startMs }, out)
  for (const { topic, value: observed } of out.emitted) {
    if (topic !== topics.observations) continue
    const { key, group, engine, observation } = observed as ObservedByBehavior
    if (engine !== 'behavior' || !Object.hasOwn(observation as object, 'sample')) continue
    logic.baseline({ control: 'baseline', rule: key, name: group.join(' '), value }, out)
  }
}

function bytesUsed(): number {
  // Memory outside the heap is counted as free once the collection after the one that found it so has begun.
  for (let n = 0; n < 2; n++) globalThis.gc?.()
  const { heapUsed, arrayBuffers, external } = process.memoryUsage()
  return heapUsed + Math.max(external, arrayBuffers)
}

/** Looks at the memory until two looks agree; `withinBytes`: how far apart the last two were. */
function settledBytes(): { readonly bytes: number; readonly withinBytes: number } {
  let bytes = bytesUsed()
  let withinBytes = Infinity
  for (let looks = 1; looks < looksMax && withinBytes > agreeBytes; looks++) {
    const again = bytesUsed()
    withinBytes = Math.abs(again - bytes)
    bytes = again
  }
  return { bytes, withinBytes }
}

/** Groups of the accounts, and a digest of all that is kept of some of them. */
function keptOf(): { readonly groups: number; readonly digest: string } {
  let groups = 0
  const hash = createHash('sha256')
  for (const [key, value] of state.entries('b/')) {
    const account = /"t\/a(\d+)"/.exec(key)
    if (account === null || key.includes('\u0000')) continue
    groups++
    if (Number(account[1]) % comparedEvery === 0) hash.update(key).update(JSON.stringify(value))
  }
  return { groups, digest: hash.digest('hex') }
}

teach()
const before = bytesUsed()
const days = Math.ceil(accounts / wave) + 1
for (let day = 0; day < days; day++) {
  const atMs = startMs + day * stepMs
  for (let back = 1; back <= day; back += returnDays) {
    askAll((day - back) * wave, Math.min((day - back + 1) * wave, accounts), 'a', atMs)
  }
  askAll(day * wave, Math.min((day + 1) * wave, accounts), 'a', atMs + hourMs)
}
const lastMs = startMs + days * stepMs
state.checkpoint()
const parsedBefore = parseMicros()
const round = microsOf(() => askAll(0, accounts, 'a', lastMs))
const parsedAfter = parseMicros()
state.checkpoint()
out.clear()
const bytesPerAccount = (bytesUsed() - before) / accounts

// What closes by itself, an hour after it was asked, has closed before it is looked what strangers push out.
const idleMs = lastMs + 2 * hourMs
logic.watermark(idleMs, out)
state.checkpoint()
out.clear()
const known = keptOf()
// Only now: what closed has been let go of.
const settled = settledBytes()
const strangers = microsOf(() => askAll(0, unknown, 'x', idleMs))
state.checkpoint()
out.clear()
const after = keptOf()
const unknownKept = settledBytes()
process.stdout.write(
  `${JSON.stringify({
    queryMicros: round.all / accounts,
    threadMicros: round.own / accounts,
    parseMicros: Math.min(parsedBefore, parsedAfter),
    strangerMicros: unknown === 0 ? 0 : strangers.all / unknown,
    bytesPerAccount,
    strangersBytes: unknownKept.bytes - settled.bytes,
    strangersWithinBytes: settled.withinBytes + unknownKept.withinBytes,
    groupsBefore: known.groups,
    groupsAfter: after.groups,
    unchanged: known.digest === after.digest,
    entries: state.size,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  })}\n`,
)
