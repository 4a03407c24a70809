/**
 * `npm run bench:rules [RULES EVENTS]`: how fast the rule engine is, on one core, with every rule of a folder loaded.
 *
 * Times are processor time, so that what else runs on the machine counts less.
 *
 * Without arguments on generated rules and events, of the shapes that public rules and logs have. docs/rules-speed.md says how
 * to measure another engine beside it on the same rules and events. Exit code 0 also where a target is missed.
 */
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Table from 'cli-table3'
import type { ContentFile } from '../../core/content.ts'
import { compileSigma } from '../../engine/sigma/compile.ts'
import { createMatcher } from '../../engine/sigma/matcher.ts'
import { EventLines } from '../../engine/sigma/ndjson.ts'
import type { SigmaRule } from '../../engine/sigma/types.ts'
import { generatedRules, generatedStreams, generator } from './generated-rules.ts'

interface Stream {
  readonly name: string
  readonly text: string
}

/** Rounds of each measurement; the fastest counts, because whatever else the machine does only makes it slower. */
const rounds = 5
const smallSet = 100
const subsetsCount = 4

const [rulesPath, ...eventPaths] = process.argv.slice(2)
const files = rulesPath === undefined ? generatedRules(3_100) : readRules(rulesPath)
const streams = eventPaths.length === 0 ? generatedStreams(5_000) : eventPaths.map(readStream)

const table = new Table({ head: ['figure', 'value', 'target', ''], style: { head: [], border: [] } })
const before = process.cpuUsage().user
const { rules, mistakes } = compileSigma(files)
const compileMs = (process.cpuUsage().user - before) / 1_000
row(`compile ${rules.length} rules`, `${compileMs.toFixed(0)} ms`, '<= 2000 ms', compileMs <= 2_000)
row('rules refused', String(mistakes.length))
for (const stream of streams) {
  const all = measure(rules, stream.text)
  row(`${stream.name}: ${all.events} events, ${all.matches} matches`, `${all.perSecond.toFixed(0)} events/s`)
}
for (const stream of streams) {
  const quiet = withoutMatches(stream.text)
  if (quiet === '') continue
  const all = 1 / measure(rules, quiet).perSecond
  const few = subsets().map((some) => 1 / measure(some, quiet).perSecond)
  const mean = few.reduce((sum, each) => sum + each, 0) / few.length
  row(
    `${stream.name}, events without a match: cost of ${rules.length} rules over ${smallSet}, mean (each subset)`,
    `${(all / mean).toFixed(2)} (${few.map((each) => (all / each).toFixed(2)).join(', ')})`,
    '<= 3',
    all <= 3 * mean,
  )
}
console.log(table.toString())

/** Random ones of the rules, the same each time: what a hundred cost depends on which they are. */
function subsets(): readonly (readonly SigmaRule[])[] {
  return Array.from({ length: subsetsCount }, (_, set) => {
    const random = generator(set + 1)
    const left = [...rules]
    return Array.from({ length: Math.min(smallSet, left.length) }, () => {
      const at = Math.floor(random() * left.length)
      const [taken] = left.splice(at, 1)
      return taken!
    })
  })
}

function row(figure: string, value: string, target = '', met?: boolean): void {
  table.push([figure, value, target, met === undefined ? '' : met ? 'met' : 'missed'])
}

function measure(
  measured: readonly SigmaRule[],
  text: string,
): { readonly events: number; readonly matches: number; readonly perSecond: number } {
  const matcher = createMatcher(measured, 'open')
  let best = 0
  let events = 0
  let matches = 0
  for (let round = 0; round < rounds; round++) {
    matches = 0
    const lines = new EventLines(matcher, { onMatch: () => matches++, onBadLine: () => undefined })
    const from = process.cpuUsage().user
    lines.write(text)
    lines.end()
    const seconds = (process.cpuUsage().user - from) / 1e6
    events = lines.events
    best = Math.max(best, events / seconds)
  }
  return { events, matches, perSecond: best }
}

function withoutMatches(text: string): string {
  const matched = new Set<number>()
  const lines = new EventLines(createMatcher(rules, 'open'), {
    onMatch: (line) => matched.add(line),
    onBadLine: () => undefined,
  })
  lines.write(text)
  lines.end()
  return text
    .split('\n')
    .filter((line, index) => line !== '' && !matched.has(index))
    .join('\n')
}

function readRules(folder: string): readonly ContentFile[] {
  if (statSync(folder).isFile()) return [{ path: folder, text: readFileSync(folder, 'utf8') }]
  return globSync('**/*.{yml,yaml}', { cwd: folder }).map((path) => ({
    path,
    text: readFileSync(join(folder, path), 'utf8'),
  }))
}

function readStream(path: string): Stream {
  return { name: path, text: readFileSync(path, 'utf8') }
}
