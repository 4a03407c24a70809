/**
 * Normalize and detect over Kafka, each a process, with all sources and rules of the repo and the settings that an installation
 * has; beside a bare consume-parse-produce loop over the same records on the same broker.
 *
 * Three figures: until the first step of detect, which reads the events, has worked the records off; until the second one,
 * behind the shuffle, has worked off what came of them; and how many records pass for a second of CPU time.
 *
 * Progress is read from the groups' offsets, which are committed once in a checkpoint interval (1 s): the first two hold the wait
 * for the next checkpoint, half a second on average. CPU time is that of who works: in the loop the bench and the broker, in the
 * pipeline the two services as well; the bench's own part is that it publishes the records. While the loop runs the services
 * stand idle: their CPU time is not the loop's, what they ask of the broker meanwhile (heartbeats) is. The loop never runs
 * beside what is left of the round before.
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
import { cpuSeconds } from './cpu-time.ts'
import { median, type Bench, type Figure } from './figures.ts'
import { bareLoop } from './kafka-hops.ts'
import { gatewayRecords } from './records.ts'

const count = 40_000
/** Compilers are at work in the first two rounds: a service runs for longer than that. */
const warmRounds = 2
const rounds = 2

export const overKafkaBench: Bench = {
  name: 'over-kafka',
  run: () =>
    withBroker(async (brokers, brokerPid) => {
      const folder = await mkdtemp(join(tmpdir(), 'modelwarden-bench-'))
      const bus = createKafkaBus({ brokers: [...brokers] }, silentLog)
      const fleet = await startFleet({
        brokers,
        folder,
        processes: ['normalize', 'detect'],
      })
      const services = [...fleet.members.values()].map(({ pid }) => pid)
      const costs = {
        loop: new Cost([process.pid, brokerPid]),
        pipeline: new Cost([process.pid, brokerPid, ...services]),
      }
      const loops: number[] = []
      const found: Rates[] = []
      try {
        for (let round = 0; round < warmRounds + rounds; round++) {
          const records = recordsOf(round)
          const isWarm = round >= warmRounds
          const measure = (loop: () => Promise<number>): Promise<number> => costs.loop.of(isWarm, loop)
          const loop = await bareLoop({ brokers, records, measure })
          const pipeline = await costs.pipeline.of(isWarm, () => throughPipeline(bus, records))
          if (!isWarm) continue
          loops.push(loop)
          found.push(pipeline)
        }
      } finally {
        await fleet.stop()
        await bus.close()
        await rm(folder, { recursive: true, force: true })
      }
      const figure = (name: string, value: number, baseline: number, unit = 'records/s'): Figure => ({
        name,
        value,
        unit,
        baseline: { name: 'bare consume, parse, produce', value: baseline },
        target: { least: 0.5 },
      })
      const rate = (of: keyof Rates): number => median(found.map((rates) => rates[of]))
      const perCpuSecond = [costs.pipeline.recordsPerSecond, costs.loop.recordsPerSecond] as const
      return [
        figure('normalize + detect, over Kafka', rate('firstStep'), median(loops)),
        figure("the same, with detect's second step", rate('bothSteps'), median(loops)),
        ...(perCpuSecond[0] > 0 ? [figure('both, by CPU time', ...perCpuSecond, 'records/CPU s')] : []),
      ]
    }),
}

/** What rounds cost of the processors. A process that is not known (a broker of somebody else's) leaves nothing to tell. */
class Cost {
  readonly #pids: readonly (number | undefined)[]
  #seconds = 0
  #records = 0

  constructor(pids: readonly (number | undefined)[]) {
    this.#pids = pids
  }

  async of<T>(counts: boolean, work: () => Promise<T>): Promise<T> {
    const before = this.#used()
    const result = await work()
    const after = this.#used()
    if (counts && before !== undefined && after !== undefined) {
      this.#seconds += after - before
      this.#records += count
    }
    return result
  }

  #used(): number | undefined {
    const pids = this.#pids.filter((pid) => pid !== undefined)
    return pids.length < this.#pids.length ? undefined : cpuSeconds(pids)
  }

  /** For each second of CPU time; 0 where the system does not tell. */
  get recordsPerSecond(): number {
    return this.#seconds === 0 ? 0 : this.#records / this.#seconds
  }
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
