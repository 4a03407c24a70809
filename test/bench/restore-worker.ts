/** Restores the state of restore.ts in a process of its own, through our code or a bare loop, and says what it took. */
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import { stateTopic } from '../../core/topics.ts'
import { restoreCheckpoint } from '../../runtime/stage/checkpoints.ts'
import { silentLog } from '../../runtime/log.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { restoredAt, restoredSpec, type Restored } from './restored.ts'

const [what, brokers] = process.argv.slice(2) as ['ours' | 'bare', string]
const bus = createKafkaBus({ brokers: brokers.split(',') }, silentLog)
const startedMs = performance.now()
const state = what === 'ours' ? await ours() : await bare()
const restored: Restored = {
  keys: state.size,
  seconds: (performance.now() - startedMs) / 1_000,
  rssMb: process.memoryUsage().rss / 1_048_576,
}
await bus.close()
process.stdout.write(JSON.stringify(restored))

async function ours(): Promise<MemoryState> {
  const memory = new MemoryState()
  await restoreCheckpoint(bus, restoredSpec, restoredAt, memory)
  return memory
}

async function bare(): Promise<Map<string, unknown>> {
  const map = new Map<string, unknown>()
  await bus.read({ topic: stateTopic(restoredSpec.name), partition: 0 }, 'start', (batch) => {
    for (const { key, value } of batch)
      if (key !== undefined && value !== null) map.set(key, JSON.parse(value.toString()))
  })
  return map
}
