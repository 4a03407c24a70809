/** One correlation over two base rules, `a` and `b`: grouped by `u`, within ten seconds; `block` is the rest of it. */
import { expect } from 'vitest'
import { compileSigma } from '../../engine/sigma/compile.ts'
import type { SigmaCorrelation } from '../../engine/sigma/types.ts'

export function correlationOf(block: string): SigmaCorrelation {
  const base = (name: string): string =>
    `title: B\nname: ${name}\nlogsource: {}\ndetection: {s: {f: a}, condition: s}\n`
  const correlation = `title: C\nid: c\ncorrelation: {group-by: [u], timespan: 10s, ${block}}\n`
  const { correlations, mistakes } = compileSigma([
    { path: 'r.yml', text: `${base('a')}---\n${base('b')}---\n${correlation}` },
  ])
  expect(mistakes).toEqual([])
  return correlations[0]!
}
