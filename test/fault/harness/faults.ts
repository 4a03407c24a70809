/** The undisturbed run, the disturbed run, and the judgement. */
import { believableDay } from '../../../cli/demo/day.ts'
import type { Chaos } from './chaos.ts'
import { faultDay } from './records.ts'
import { faultRun, type RunResult } from './run.ts'
import { judge, type Judgement } from './verdict.ts'

export interface FaultOptions {
  readonly classPath: string
  readonly home: string
  /** Beside those of a believable day. */
  readonly records: number
  readonly thieves: number
  readonly decoys: number
  /** Copies of detect, correlate and respond. */
  readonly copies: 1 | 2
  readonly chaos: Pick<Chaos, 'kills' | 'effectKills' | 'everything'>
  readonly recordsPerSecond: number
  /** The undisturbed run needs no time for disturbances. */
  readonly calmRecordsPerSecond: number
  readonly quietMs: number
  /** The pipeline comes to rest so long after the last record, or the run ends with what it waits for. */
  readonly withinMs: number
  readonly seed: number
  readonly keep?: boolean
  readonly say: (line: string) => void
}

const partitions = 4
const services = ['schedule', 'collect', 'normalize', 'detect', 'meter', 'correlate', 'respond', 'licensing', 'authorize', 'indexer'] // prettier-ignore

export async function faults(options: FaultOptions): Promise<readonly Judgement[]> {
  const {
    classPath,
    home,
    records: count,
    thieves,
    decoys,
    copies,
    chaos,
    seed,
    quietMs,
    withinMs,
    keep = false,
  } = options
  // The same for both runs, and a while ago: nothing in it is from the future.
  const endMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 2 * 3_600_000
  const day = faultDay({ count, partitions, endMs, thieves, decoys, beside: believableDay(endMs, 'faults') })
  const startedMs = performance.now()
  const say = (run: string) => (line: string) => {
    options.say(`${((performance.now() - startedMs) / 1_000).toFixed(0).padStart(5)} s  ${run}: ${line}`)
  }
  options.say(`${day.records.length} records (${day.valid.size} valid, ${day.malformed.size} malformed), seed ${seed}`)
  const twice = copies === 1 ? [] : ['detect#2', 'detect#3', 'correlate#2', 'respond#2']
  const base = { classPath, home, day, partitions, withinMs, quietMs, keep, processes: [...services, ...twice] }
  const { recordsPerSecond, calmRecordsPerSecond } = options
  const calm = await faultRun({ ...base, recordsPerSecond: calmRecordsPerSecond, say: say('undisturbed') })
  options.say(timesOf('undisturbed', calm))
  const rough = await faultRun({ ...base, recordsPerSecond, chaos: { ...chaos, seed }, say: say('disturbed') })
  options.say(timesOf('disturbed', rough))
  return judge(day, calm, rough, chaos.effectKills)
}

function timesOf(name: string, { seconds }: RunResult): string {
  return `${name}: fed after ${seconds.fed.toFixed(0)} s, at rest after ${seconds.all.toFixed(0)} s`
}
