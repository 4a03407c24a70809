/**
 * A trial: generates traffic from a seed, lets `modelwarden evaluate` find what it finds, and judges it (docs/trial.md).
 *
 * Promises: nothing of the truth reaches the detectors; they run in a process of their own over files alone. The same
 * seed gives the same files.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { WrongOptionError } from '../bench/figures.ts'
import { ordinaryKinds } from './customers/ordinary.ts'
import { generate } from './files/generate.ts'
import { scenarios } from './files/scenarios.ts'
import { write } from './files/write.ts'
import { judge, type Alert, type Verdict } from './judge/judge.ts'
import { judgeCopies, type CopyVerdict } from './judge/copies.ts'
import { judgeFidelity, type FidelityVerdict, type LeakLine } from './judge/fidelity.ts'

export interface TrialOptions {
  readonly seed: number
  /** Names of scenarios; all where absent. */
  readonly only?: readonly string[]
  /** Where the traffic, the alerts and the truth stay afterwards. */
  readonly keep?: string
  readonly onProgress?: (text: string) => void
}

export interface TrialResult {
  readonly seed: number
  readonly events: number
  readonly generateSeconds: number
  readonly evaluateSeconds: number
  readonly verdict: Verdict
  /** Alerts on honest accounts while their models were still being learned. */
  readonly alertsInHistory: number
  readonly fidelity: FidelityVerdict
  readonly copies: readonly CopyVerdict[]
}

const run = promisify(execFile)
const program = join(import.meta.dirname, '../../cli/modelwarden.ts')

/** Throws where a scenario is unknown. */
export async function trial({ seed, only, keep, onProgress }: TrialOptions): Promise<TrialResult> {
  const unknown = only?.filter((name) => !scenarios.some((each) => each.name === name)) ?? []
  if (unknown.length > 0) {
    throw new WrongOptionError(
      `No scenario is called ${unknown.join(', ')}. There are: ${scenarios.map(({ name }) => name).join(', ')}`,
    )
  }
  const startedMs = performance.now()
  const generated = generate(seed, only === undefined ? scenarios : scenarios.filter(({ name }) => only.includes(name)))
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'modelwarden-trial-'))
  mkdirSync(folder, { recursive: true })
  try {
    write(folder, generated)
    const generatedMs = performance.now()
    const truths = generated.files.map(({ truth }) => truth)
    const events = truths.reduce((sum, truth) => sum + truth.events.length, generated.history.truth.events.length)
    onProgress?.(`seed ${seed}: ${events} events in ${((generatedMs - startedMs) / 1e3).toFixed(1)} s; detecting …`)
    if (keep !== undefined) writeFileSync(join(folder, 'truth.out'), JSON.stringify(truths))
    const [alerts, leaks] = [join(folder, 'alerts.out'), join(folder, 'leaks.out')]
    await run(process.execPath, [program, 'evaluate', folder, alerts, '--leaks', leaks], { maxBuffer: 1e8 })
    const evaluatedMs = performance.now()
    const found = linesOf<Alert>(alerts)
    const verdict = judge(truths, found, {
      history: generated.history.truth,
      ordinary: new Set(ordinaryKinds.map(({ name }) => name)),
    })
    return {
      seed,
      events,
      generateSeconds: (generatedMs - startedMs) / 1e3,
      evaluateSeconds: (evaluatedMs - generatedMs) / 1e3,
      verdict,
      copies: judgeCopies(seed, generated.world.victims, generated.files, verdict.runs),
      alertsInHistory: judge([generated.history.truth], found).honest.alerts,
      fidelity: judgeFidelity(
        seed,
        generated.world.victims,
        generated.history,
        generated.files,
        linesOf<LeakLine>(leaks),
      ),
    }
  } finally {
    if (keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

function linesOf<T>(path: string): T[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
