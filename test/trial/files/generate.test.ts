import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { generate, type Generated } from './generate.ts'
import { scenarios } from './scenarios.ts'

const named = (...names: string[]): typeof scenarios => scenarios.filter(({ name }) => names.includes(name))
const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')
const fileOf = ({ files }: Generated, name: string): Generated['files'][number] =>
  files.find(({ truth }) => truth.file === name)!

test('a seed gives the same traffic again, a scenario whatever runs beside it', { timeout: 120_000 }, () => {
  const one = generate(5, named('uniform', 'license: rate', 'poisoned intake 3'))
  const again = generate(5, named('license: rate', 'uniform'))
  expect(digest(again.history.records)).toBe(digest(one.history.records))
  for (const name of ['uniform.jsonl', 'license-rate.jsonl']) {
    expect(digest(fileOf(again, name).records)).toBe(digest(fileOf(one, name).records))
  }
  expect(again.context['licences']).toEqual(one.context['licences'])

  for (const { truth, records } of [one.history, ...one.files]) {
    const times = records.map((record) => record['ts'] as string)
    expect(times).toEqual([...times].sort())
    expect(new Set(truth.events.map(({ id }) => id)).size).toBe(records.length)
    // The truth is nowhere in what the detectors read.
    expect(Object.keys(records[0]!)).not.toContain('run')
    for (const run of truth.runs) expect(truth.events.some((event) => event.run === run.id)).toBe(true)
  }
  expect(one.history.truth.runs).toEqual([])
  expect(one.history.records.at(-1)!['ts']! < one.files[0]!.records[0]!['ts']!).toBe(true)
})

test('names of scenarios and files are told apart', () => {
  const names = scenarios.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
