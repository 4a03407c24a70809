/**
 * `npm run bench:nab -- PATH`: scores the `anomaly` detector on a checkout of the Numenta Anomaly Benchmark (numenta/NAB).
 *
 * As it would run live: value by value, the same parameters everywhere, nothing known of a file ahead (neither its range nor its
 * length). The scoring is NAB's as published (Lavin and Ahmad 2015): each profile's threshold is the best one over the whole
 * corpus. With `--write`, results stand in PATH/results/modelwarden for NAB's own scorer:
 * `python run.py -d modelwarden --optimize --score --normalize --skipConfirmation`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { newStream, score } from '../../engine/behavior/anomaly/stream.ts'

const profiles = { standard: [0.11, 1], 'reward low FP': [0.22, 1], 'reward low FN': [0.11, 2] } as const
const published = '74.9 (ARTime), 70.1 (Numenta HTM), 69.9 (CAD OSE)'
const spacingValues = 50
const dayMs = 86_400_000
const history = 4_000

interface File {
  readonly name: string
  readonly stamps: readonly string[]
  readonly values: readonly number[]
  readonly windows: readonly (readonly [number, number])[]
}

interface Point {
  readonly score: number
  /** What a detection here is worth. */
  readonly worth: number
  /** Undefined: outside of all windows. */
  readonly window: string | undefined
}

const [path, write] = process.argv.slice(2)
if (path === undefined) {
  console.error('Give the path of a checkout of numenta/NAB.')
  process.exit(2)
}
const labels = JSON.parse(readFileSync(join(path, 'labels/combined_windows.json'), 'utf8')) as Record<
  string,
  [string, string][]
>
const points: Point[] = []
let windows = 0
let values = 0
const before = process.cpuUsage()
for (const name of Object.keys(labels).sort()) {
  const file = readFile(name, labels[name]!)
  const scores = scoresOf(file)
  points.push(...pointsOf(file, scores))
  windows += file.windows.length
  values += file.values.length
  if (write === '--write') writeResults(path, file, scores)
}
const { user, system } = process.cpuUsage(before)
for (const [profile, [fp, fn]] of Object.entries(profiles)) {
  const { best, threshold } = bestOf(points, fp, fn)
  const normalized = (100 * (best + fn * windows)) / (windows * (1 + fn))
  console.log(`${profile.padEnd(14)} ${normalized.toFixed(2).padStart(6)}  (threshold ${threshold.toFixed(2)})`)
}
console.log(`published, standard profile: ${published}; ${((user + system) / values).toFixed(1)} µs a value`)

function readFile(name: string, spans: readonly (readonly [string, string])[]): File {
  const lines = readFileSync(join(path!, 'data', name), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
  const stamps = lines.map((line) => line.slice(0, line.indexOf(',')))
  const at = (stamp: string): number => stamps.indexOf(stamp.slice(0, 19))
  return {
    name,
    stamps,
    values: lines.map((line) => Number(line.slice(line.indexOf(',') + 1))),
    windows: spans.map(([from, to]) => [at(from), at(to)]),
  }
}

function scoresOf({ stamps, values: given }: File): number[] {
  const times = stamps.slice(0, spacingValues).map((stamp) => Date.parse(`${stamp.replace(' ', 'T')}Z`))
  const gaps = times.slice(1).map((time, n) => time - times[n]!)
  const gap = gaps.sort((a, b) => a - b)[gaps.length >> 1]!
  const period = gap > 0 ? Math.round(dayMs / gap) : 0
  const stream = newStream(period >= 4 && period <= 1_500 ? period : 0, history)
  return given.map((value, n) => (n < spacingValues ? (score(stream, value), 0) : score(stream, value).score))
}

/** The published sigmoid: 1 at the left edge of a window, 0 at its right edge, -1 far behind it. */
function sigmoid(position: number): number {
  return position > 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1
}

function pointsOf({ name, windows: spans, values: { length } }: File, scores: readonly number[]): Point[] {
  const probation = Math.min(Math.floor(0.15 * length), 0.15 * 5_000)
  const found: Point[] = []
  let last: readonly [number, number] | undefined
  for (let n = 0; n < length; n++) {
    const window = spans.find(([from, to]) => n >= from && n <= to)
    let worth = -1
    if (window !== undefined) worth = sigmoid(-(window[1] - n + 1) / (window[1] - window[0] + 1)) / sigmoid(-1)
    else if (last !== undefined) worth = sigmoid((n - last[1]) / (last[1] - last[0]))
    if (window !== undefined && n === window[1]) last = window
    if (n < probation) continue
    found.push({ score: scores[n]!, worth, window: window === undefined ? undefined : `${name} ${window[0]}` })
  }
  return found
}

/** Lowers the threshold over all scores; each window counts by its best detection, or as missed. */
function bestOf(all: readonly Point[], fp: number, fn: number): { best: number; threshold: number } {
  const reached = new Map<string, number>()
  for (const { window } of all) if (window !== undefined) reached.set(window, -fn)
  let sum = -fn * reached.size
  let found = { best: sum, threshold: Infinity }
  const sorted = all.filter((point) => point.score > 0).sort((a, b) => b.score - a.score)
  for (const [n, { score: at, worth, window }] of sorted.entries()) {
    if (window === undefined) sum += fp * worth
    else if (worth > reached.get(window)!) {
      sum += worth - reached.get(window)!
      reached.set(window, worth)
    }
    if (sorted[n + 1]?.score !== at && sum > found.best) found = { best: sum, threshold: at }
  }
  return found
}

function writeResults(root: string, file: File, scores: readonly number[]): void {
  const out = join(
    root,
    'results/modelwarden',
    file.name.replace(/[^/]+$/, (last) => `modelwarden_${last}`),
  )
  mkdirSync(dirname(out), { recursive: true })
  const rows = scores.map((each, n) => {
    const label = file.windows.some(([from, to]) => n >= from && n <= to) ? 1 : 0
    return `${file.stamps[n]!},${file.values[n]!},${each / (each + 10)},${label}`
  })
  writeFileSync(out, `timestamp,value,anomaly_score,label\n${rows.join('\n')}\n`)
}
