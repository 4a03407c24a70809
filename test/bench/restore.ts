/**
 * How long the owner of a partition takes to have a state of a million keys back from Kafka, and the memory that takes; in a
 * process of its own, as after a kill. Beside it a bare loop that reads the same topic and keeps the same values.
 */
import { spawn } from 'node:child_process'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { stateTopic } from '../../core/topics.ts'
import { checkpointRecords, type TaskMeta } from '../../runtime/stage/checkpoints.ts'
import { silentLog } from '../../runtime/log.ts'
import { withBroker } from './broker.ts'
import type { Bench, Figure } from './figures.ts'
import { restoredAt, restoredSpec, type Restored } from './restored.ts'

const keys = 1_000_000
const keysACheckpoint = 10_000
const secondsMax = 30

export const restoreBench: Bench = {
  name: 'restore',
  run: () =>
    withBroker(async (brokers) => {
      const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
      try {
        await writeState(bus)
      } finally {
        await bus.close()
      }
      // The broker's first reader finds it cold: turns go there and back, and the better of each counts.
      const turns: Record<What, Restored[]> = { ours: [], bare: [] }
      for (const what of ['bare', 'ours', 'ours', 'bare'] as const) turns[what].push(await inProcess(what, brokers))
      const ours = best(turns.ours)
      const bare = best(turns.bare)
      if (ours.keys !== keys) throw new Error(`${ours.keys} of ${keys} keys are back`)
      const figures: Figure[] = [
        {
          name: `restore of ${keys} keys of state`,
          value: ours.seconds,
          unit: 's',
          baseline: { name: `allowed; a bare loop takes ${bare.seconds.toFixed(1)} s`, value: secondsMax },
          target: { most: 1 },
        },
        {
          name: 'memory of the process after it (RSS)',
          value: ours.rssMb,
          unit: 'MB',
          baseline: { name: 'a bare loop', value: bare.rssMb },
          target: { most: 1.2 },
        },
      ]
      return figures
    }),
}

/** As checkpoints write it: entries like a group's, and the meta record last. */
async function writeState(bus: Bus): Promise<void> {
  await bus.createTopics([{ name: stateTopic(restoredSpec.name), partitions: 1, cleanup: 'compact' }])
  const producer = await bus.fenced(`${restoredSpec.name}/${restoredAt.topic}/0`)
  for (let from = 0; from < keys; from += keysACheckpoint) {
    const changes = Array.from({ length: keysACheckpoint }, (_, i) => entry(from + i))
    await producer.commit(checkpointRecords(restoredSpec, restoredAt, changes, { ...meta, nextOffset: from }))
  }
  await producer.close()
}

function entry(i: number): readonly [string, string] {
  const at = 1_772_000_000_000 + i * 100
  const group = { version: 1, scope: `tenant-${i % 17}`, values: [`person-${i}`], dueMs: at + 60_000, seen: [at, at + 500], sum: i % 97 } // prettier-ignore
  return [`g/7d0c1f8e-52a4-4c57-9d3e-${i.toString(16).padStart(12, '0')}`, JSON.stringify(group)]
}

const meta: TaskMeta = {
  version: restoredSpec.stateVersion,
  nextOffset: 0,
  marks: {},
  watermark: { reachedMs: null, ended: false, latestEventMs: null, latenessMs: 0, upstream: {} },
  told: { eventTimeMs: null, ended: false, appendedMs: 0 },
  content: {},
}

type What = 'ours' | 'bare'

function best(turns: readonly Restored[]): Restored {
  return turns.reduce((a, b) => (b.seconds < a.seconds ? b : a))
}

async function inProcess(what: What, brokers: readonly string[]): Promise<Restored> {
  const worker = new URL('./restore-worker.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [worker, what, brokers.join()], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`the process that restores ended with ${code}`)
  return JSON.parse(said) as Restored
}
