/** The undisturbed run, the disturbed run, and the judgement. */
import { faultDay } from './records.ts'
import { faultRun, type RunResult } from './run.ts'
import { judge, type Judgement } from './verdict.ts'

export interface FaultOptions {
  readonly classPath: string
  readonly home: string
  readonly records: number
  readonly kills: number
  readonly recordsPerSecond: number
  readonly seed: number
  readonly keep?: boolean
  readonly say: (line: string) => void
}

const partitions = 4
const withinMs = 15 * 60_000
/** The undisturbed run needs no time for disturbances. */
const calmRecordsPerSecond = 4_000

export async function faults(options: FaultOptions): Promise<readonly Judgement[]> {
  const { classPath, home, records, kills, recordsPerSecond, seed } = options
  // The same for both runs, and a while ago: nothing in it is from the future.
  const endMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 2 * 3_600_000
  const day = faultDay({ count: records, partitions, endMs })
  const startedMs = performance.now()
  const say = (run: string) => (line: string) => {
    options.say(`${((performance.now() - startedMs) / 1_000).toFixed(0).padStart(5)} s  ${run}: ${line}`)
  }
  options.say(`${day.records.length} records (${day.valid.size} valid, ${day.malformed.size} malformed), seed ${seed}`)
  const base = { classPath, home, day, partitions, withinMs, keep: options.keep ?? false }
  const calm = await faultRun({ ...base, recordsPerSecond: calmRecordsPerSecond, say: say('undisturbed') })
  options.say(timesOf('undisturbed', calm))
  const rough = await faultRun({ ...base, recordsPerSecond, chaos: { kills, seed }, say: say('disturbed') })
  options.say(timesOf('disturbed', rough))
  return judge(day, calm, rough)
}

function timesOf(name: string, { seconds }: RunResult): string {
  return `${name}: fed after ${seconds.fed.toFixed(0)} s, at rest after ${seconds.all.toFixed(0)} s`
}
