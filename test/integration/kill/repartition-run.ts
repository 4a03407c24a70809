/**
 * One run of `modelwarden repartition --apply`, as a process that dies by kill -9 so and so long after a step has begun: in the
 * middle of it, on a busy or an idle machine. Says each step on standard output, and how it ended.
 */
import { createKafkaBus } from '../../../adapters/kafka/bus.ts'
import type { KafkaBusOptions } from '../../../adapters/kafka/config.ts'
import { repartition } from '../../../cli/repartition.ts'
import { silentLog } from '../../../runtime/log.ts'

export interface RepartitionRun {
  readonly kafka: KafkaBusOptions
  readonly to: number
  /** Where it dies, at the first of these steps; to its end without. */
  readonly dies?: { readonly at: readonly string[]; readonly afterMs: number }
}

const { kafka, to, dies } = JSON.parse(process.argv[2]!) as RepartitionRun
const bus = createKafkaBus(kafka, silentLog)
const { applied, obstacles } = await repartition({
  ...{ bus, to, apply: true, log: silentLog },
  onStep: (step) => {
    process.stdout.write(`${step}\n`)
    if (dies?.at.includes(step) === true) setTimeout(() => process.kill(process.pid, 'SIGKILL'), dies.afterMs)
  },
})
process.stdout.write(`${JSON.stringify({ applied, obstacles })}\n`)
await bus.close()
