/**
 * Normalize and detect over Kafka, each a process, with all sources and rules of the repo; beside a bare
 * consume-parse-produce loop over the same records on the same broker.
 *
 * Two figures: until the first step of detect, which reads the events, has worked the records off; and until the second one,
 * behind the shuffle, has worked off what came of them. The loop never runs beside what is left of the round before.
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
      const firstSteps: number[] = []
      const bothSteps: number[] = []
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
          firstSteps.push(pipeline.firstStep)
          bothSteps.push(pipeline.bothSteps)
        }
      } finally {
        await fleet.stop()
        await bus.close()
        await rm(folder, { recursive: true, force: true })
      }
      const baseline = { name: 'bare consume, parse, produce', value: median(loops) }
      const figure = (name: string, values: readonly number[]): Figure => ({
        name,
        value: median(values),
        unit: 'records/s',
        baseline,
        target: { least: 0.5 },
      })
      return [
        figure('normalize + detect, over Kafka', firstSteps),
        figure("the same, with detect's second step", bothSteps),
      ]
    }),
}

function recordsOf(round: number): Buffer[] {
  const startMs = Date.now() - 3_600_000 + round * 600_000
  const records = gatewayRecords({ count, startMs, stepMs: 10, principals: 300, seed: round + 1 })
  return records.map((text) => Buffer.from(text))
}

interface Rates {
  /** Records a second, from the first one published to the last one that the step has worked off. */
  readonly firstStep: number
  readonly bothSteps: number
}

async function throughPipeline(bus: Bus, records: readonly Buffer[]): Promise<Rates> {
  const before = await workedOff(bus)
  const startedMs = performance.now()
  for (let at = 0; at < records.length; at += 5_000) {
    const part = records.slice(at, at + 5_000)
    await bus.publish(
      part.map((value) => ({ topic: topics.inference, value, headers: { [headers.source]: 'gateway' } })),
    )
  }
  const rateWhen = async (isDone: () => Promise<boolean>): Promise<number> => {
    while (!(await isDone())) {
      if (performance.now() - startedMs > 120_000) throw new Error('the pipeline did not work the records off in 120 s')
      await sleep(50)
    }
    return records.length / ((performance.now() - startedMs) / 1_000)
  }
  const firstStep = await rateWhen(async () => (await workedOff(bus)) - before >= records.length)
  // All that comes of the records is on the bus now: their offsets are committed behind it.
  const ends = new Map((await bus.offsets(topics.observations)).map(({ partition, high }) => [partition, high]))
  const bothSteps = await rateWhen(async () => {
    const offsets = await bus.groupOffsets('warden.detect-groups', topics.observations)
    return offsets.every(({ partition, offset }) => Math.max(0, offset) >= (ends.get(partition) ?? 0))
  })
  return { firstStep, bothSteps }
}

/** Records of warden.events that detect has passed (its control records count too: a few in thousands). */
async function workedOff(bus: Bus): Promise<number> {
  const offsets = await bus.groupOffsets('warden.detect', topics.events)
  return offsets.reduce((sum, { offset }) => sum + Math.max(0, offset), 0)
}
