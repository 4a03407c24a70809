/**
 * Detect over many accounts, one process: what the behavior rules cost a query and an account, and whether keys that nobody
 * knows push out what is known. Prints one JSON object. `detectors-worker.ts ACCOUNTS UNKNOWN [only-sigma]`.
 */
import { join } from 'node:path'
import type { Event } from '../../core/event.ts'
import { derivedId } from '../../core/ids.ts'
import { bundleOf } from '../../runtime/content-digest.ts'
import { loadFolders } from '../../runtime/content-files.ts'
import { CollectedOutcome } from '../../runtime/collect-outcome.ts'
import { MemoryState } from '../../runtime/memory-state.ts'
import { silentReport } from '../../services/detect/cost.ts'
import { DetectLogic } from '../../services/detect/detect-stage.ts'
import { randomOf } from '../support/random.ts'
import { worldOf } from '../support/traffic/world.ts'

const accounts = Number(process.argv[2])
const unknown = Number(process.argv[3])
const onlySigma = process.argv[4] === 'only-sigma'
const rounds = 3
const startMs = Date.UTC(2026, 0, 5)
const dayMs = 86_400_000

const { files } = await loadFolders([join(import.meta.dirname, '../../rules')])
const rules = onlySigma ? files.filter(({ text }) => !/^behavior:/m.test(text)) : files
const state = new MemoryState()
const logic = new DetectLogic(state, silentReport)
const out = new CollectedOutcome()
logic.content('rules', bundleOf('rules', rules), rules)

const world = worldOf({ seed: 1, dimension: 64, classes: 10, blank: 0.3 })
const inputs = Array.from({ length: 500 }, () => {
  const x = world.honest()
  return { x, ...world.answer(x) }
})
const random = randomOf(2)

function eventOf(number: number, user: string, atMs: number): Event {
  const { x, probs, label } = inputs[Math.floor(random() * inputs.length)]!
  return {
    '@timestamp': new Date(atMs).toISOString(),
    event: {
      id: derivedId('bench', number),
      kind: 'event',
      category: ['api'],
      action: 'inference',
      outcome: 'success',
      dataset: 'gateway',
      created: '2026-01-05T00:00:00.000Z',
      hash: 'h',
    },
    organization: { id: 't' },
    user: { id: user },
    source: { ip: '203.0.113.7', geo: { country_iso_code: 'DE' } },
    warden: {
      principal: `t/${user}`,
      logsource: { product: 'modelwarden', category: 'inference' },
      position: { topic: 'inference.events', partition: 0, offset: number, index: 0 },
      credential: { id: `hmac-${user}` },
      model: { id: 'm' },
      bytes: 130,
      input: { features: x, hash: `i${number}` },
      output: { probabilities: probs, label, confidence: probs[label]! },
    },
  }
}

let number = 0
function ask(user: string, atMs: number): void {
  logic.event(eventOf(number++, user, atMs), { appendedMs: atMs }, out)
  if (number % 256 === 0) out.clear()
  // What a checkpoint would write; without it the list of changes alone would grow.
  if (number % 100_000 === 0) forgetChanges()
}

/** In place of a checkpoint's writing. */
function forgetChanges(): void {
  state.takeChanges()
}

function bytesUsed(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers, external } = process.memoryUsage()
  return heapUsed + Math.max(external, arrayBuffers)
}

const before = bytesUsed()
const queryMicros: number[] = []
for (let round = 0; round < rounds; round++) {
  const started = process.threadCpuUsage()
  for (let account = 0; account < accounts; account++) ask(`a${account}`, startMs + round * 2 * dayMs + account)
  const { user, system } = process.threadCpuUsage(started)
  queryMicros.push((user + system) / accounts)
}
forgetChanges()
const bytesPerAccount = (bytesUsed() - before) / accounts

const keptOf = (): number => {
  let kept = 0
  for (const [key] of state.entries('b/')) if (key.includes('"t/a') && key.includes('\u0000')) kept++
  return kept
}
const keptBefore = keptOf()
for (let stranger = 0; stranger < unknown; stranger++) ask(`x${stranger}`, startMs + rounds * 2 * dayMs + stranger)
forgetChanges()
const bytesAfter = (bytesUsed() - before) / accounts
process.stdout.write(
  `${JSON.stringify({ queryMicros, bytesPerAccount, bytesAfter, keptBefore, keptAfter: keptOf(), entries: state.size })}\n`,
)
