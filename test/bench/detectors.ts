/**
 * What the behavior rules cost: CPU time a query and bytes an account with a million accounts, beside the same run without
 * them; and whether ten million unknown keys push out what is known. `BENCH_ACCOUNTS`, `BENCH_UNKNOWN` make it smaller.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Bench, median } from './figures.ts'

interface Measured {
  readonly queryMicros: readonly number[]
  readonly bytesPerAccount: number
  readonly bytesAfter: number
  readonly keptBefore: number
  readonly keptAfter: number
}

const run = promisify(execFile)

async function measure(...more: readonly string[]): Promise<Measured> {
  const worker = join(import.meta.dirname, 'detectors-worker.ts')
  const { stdout } = await run(process.execPath, ['--expose-gc', '--max-old-space-size=16000', worker, ...more])
  return JSON.parse(stdout) as Measured
}

export const detectorsBench: Bench = {
  name: 'detectors',
  async run() {
    const accounts = process.env['BENCH_ACCOUNTS'] ?? '1000000'
    const unknown = process.env['BENCH_UNKNOWN'] ?? '10000000'
    const without = await measure(accounts, '0', 'only-sigma')
    const all = await measure(accounts, unknown)
    const micros = (of: Measured): number => median(of.queryMicros)
    return [
      {
        name: 'behavior rules, a query',
        value: micros(all) - micros(without),
        unit: 'µs CPU',
        baseline: { name: 'the 30 µs allowed', value: 30 },
        target: { most: 1 },
      },
      {
        name: 'behavior rules, an account',
        value: all.bytesPerAccount - without.bytesPerAccount,
        unit: 'bytes',
        baseline: { name: 'the 4 KB allowed', value: 4_096 },
        target: { most: 1 },
      },
      {
        name: 'known groups left after unknown keys',
        value: all.keptAfter,
        unit: 'groups',
        baseline: { name: 'before them', value: all.keptBefore },
        target: { least: 1 },
      },
    ]
  },
}
