/**
 * Normalize and detect over Kafka, each a process, with all sources and rules of the repo; beside a bare
 * consume-parse-produce loop over the same records on the same broker.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaBus } from '../../adapters/kafka/bus.ts'
import type { Bus } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'
import { silentLog } from '../../runtime/log.ts'
import { startFleet } from '../support/fleet.ts'
import { withBroker } from './broker.ts'
import { median, type Bench, type Figure } from './figures.ts'
import { bareLoop } from './kafka-hops.ts'
import { gatewayRecords } from './records.ts'

const count = 40_000
const rounds = 2

export const overKafkaBench: Bench = {
  name: 'over-kafka',
  run: () =>
    withBroker(async (brokers) => {
      const folder = await mkdtemp(join(tmpdir(), 'modelwarden-bench-'))
      const loops: number[] = []
      const pipelines: number[] = []
      const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
      const fleet = await startFleet({
        brokers,
        folder,
        processes: ['normalize', 'detect'],
        // Progress is read from the groups' offsets, which are committed with the checkpoints.
        config: { runtime: { checkpointIntervalMs: 250 } },
      })
      try {
        for (let round = 0; round <= rounds; round++) {
          const records = recordsOf(round)
          const loop = await bareLoop({ brokers, records })
          const pipeline = await throughPipeline(bus, records)
          // The first round warms the processes up.
          if (round === 0) continue
          loops.push(loop)
          pipelines.push(pipeline)
        }
      } finally {
        await fleet.stop()
        await bus.close()
        await rm(folder, { recursive: true, force: true })
      }
      const figure: Figure = {
        name: 'normalize + detect, over Kafka',
        value: median(pipelines),
        unit: 'records/s',
        baseline: { name: 'bare consume, parse, produce', value: median(loops) },
        target: { least: 0.5 },
      }
      return [figure]
    }),
}

function recordsOf(round: number): Buffer[] {
  const startMs = Date.now() - 3_600_000 + round * 600_000
  const records = gatewayRecords({ count, startMs, stepMs: 10, principals: 300, seed: round + 1 })
  return records.map((text) => Buffer.from(text))
}

/** From the first record published to the last one that detect has worked off. */
async function throughPipeline(bus: Bus, records: readonly Buffer[]): Promise<number> {
  const before = await workedOff(bus)
  const startedMs = performance.now()
  for (let at = 0; at < records.length; at += 5_000) {
    const part = records.slice(at, at + 5_000)
    await bus.publish(
      part.map((value) => ({ topic: topics.inference, value, headers: { [headers.source]: 'gateway' } })),
    )
  }
  while ((await workedOff(bus)) - before < records.length) {
    if (performance.now() - startedMs > 120_000) throw new Error('the pipeline did not work the records off in 120 s')
    await sleep(50)
  }
  return records.length / ((performance.now() - startedMs) / 1_000)
}

/** Records of warden.events that detect has passed (its control records count too: a few in thousands). */
async function workedOff(bus: Bus): Promise<number> {
  const offsets = await bus.groupOffsets('warden.detect', topics.events)
  return offsets.reduce((sum, { offset }) => sum + Math.max(0, offset), 0)
}
