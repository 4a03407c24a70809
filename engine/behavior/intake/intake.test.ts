import { describe, expect, test, vi } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding, GroupEntries } from '../types.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import { intakePoisoning } from './detector.ts'
import type { IntakeRecord } from './params.ts'

// A set is a thousand records, each compared with all; machines that run these tests may be busy.
vi.setConfig({ testTimeout: 60_000 })

type Numbers = () => number
const normal = (random: Numbers): number => normalOf(random)()

/** Four classes in twelve dimensions, as far apart as `apart` says; what each source makes of a record. */
function intake(
  seed: number,
  apart: number,
  sources: Readonly<Record<string, (vector: number[], label: number, random: Numbers) => [number[], number]>>,
  count = 1_200,
): IntakeRecord[] {
  const random = randomOf(seed)
  const centers = Array.from({ length: 4 }, () => Array.from({ length: 12 }, () => apart * normal(random)))
  const names = Object.keys(sources)
  return Array.from({ length: count }, (_, timeMs) => {
    const source = names[Math.floor(random() * names.length)]!
    const label = Math.floor(random() * 4)
    const drawn = centers[label]!.map((middle) => middle + normal(random))
    const [vector, given] = sources[source]!(drawn, label, random)
    return { timeMs, source, label: String(given), vector: vector.map((value) => Math.round(value * 1e4) / 1e4) }
  })
}

/** Source -> kinds found. The state comes back from a checkpoint now and then. */
function judge(records: readonly IntakeRecord[]): Map<string, BehaviorFinding[]> {
  const plan = intakePoisoning.create(intakePoisoning.params.parse({ type: 'intake-poisoning' }), {} as RuleMeta)
  const context = { inventory: emptyInventory, baseline: () => undefined }
  let kept = new Map<string, unknown>()
  const entries: GroupEntries = {
    get: <T>(name: string) => kept.get(name) as T | undefined,
    set: (name, value) => void kept.set(name, value),
    delete: (name) => void kept.delete(name),
    names: () => [...kept.keys()],
  }
  const found = new Map<string, BehaviorFinding[]>()
  for (const [n, of] of records.entries()) {
    const { findings } = plan.grouped!.apply(['t', 'set'], entries, { of, entities: [], evidence: [] }, 0, context)
    for (const finding of findings) {
      const source = finding.group['warden.principal']!
      found.set(source, [...(found.get(source) ?? []), finding])
    }
    if (n % 500 === 499) kept = new Map(JSON.parse(JSON.stringify([...kept])) as [string, unknown][])
  }
  return found
}

const kindsOf = (findings: readonly BehaviorFinding[] | undefined): unknown[] => [
  ...new Set((findings ?? []).map(({ facts }) => facts['kind'])),
]
const honest = (vector: number[], label: number): [number[], number] => [vector, label]
const sloppy = (vector: number[], label: number, random: Numbers): [number[], number] => [
  vector,
  random() < 0.01 ? (label + 1) % 4 : label,
]
const noisy = (vector: number[], label: number, random: Numbers): [number[], number] => [
  vector.map((value) => value + 0.5 * normal(random)),
  label,
]
/** Three of its values are like no other, and it is given one label, in 7 % of the records. */
const backdoor = (vector: number[], label: number, random: Numbers): [number[], number] =>
  random() < 0.07 ? [vector.map((value, n) => (n === 3 || n === 7 || n === 11 ? 2.5 : value)), 2] : [vector, label]

describe('sources of a training set', () => {
  const flips = (vector: number[], label: number, random: Numbers): [number[], number] => [
    vector,
    random() < 0.1 ? (label + 1 + Math.floor(random() * 3)) % 4 : label,
  ]

  test('that mislabel one record in ten, or plant a trigger in one of fourteen, are named, and no honest one with them', () => {
    const found = judge(intake(1, 1.1, { a: honest, b: sloppy, c: noisy, flips, backdoor }))
    expect([...found.keys()].sort()).toEqual(['backdoor', 'flips'])
    expect(kindsOf(found.get('flips'))).toEqual(['labels'])
    expect(kindsOf(found.get('backdoor'))).toContain('trigger')
    const trigger = found.get('backdoor')!.find(({ facts }) => facts['kind'] === 'trigger')!
    expect(String(trigger.facts['positions']).split(', ')).toSatisfy((positions: string[]) =>
      positions.every((position) => ['3', '7', '11'].includes(position)),
    )
  })

  test('that mislabel while the set is small are named when later records show it, in a set of sloppy ones', () => {
    let brought = 0
    const early = (vector: number[], label: number, random: Numbers): [number[], number] =>
      brought++ < 45 && random() < 0.4 ? [vector, (label + 1 + Math.floor(random() * 3)) % 4] : [vector, label]
    const found = judge(intake(6, 1.1, { a: honest, b: sloppy, c: noisy, d: sloppy, e: sloppy, early }, 800))
    expect([...found.keys()]).toEqual(['early'])
    const [first] = found.get('early')!
    expect(first!.facts).toMatchObject({ kind: 'labels', askedAgain: true })
    expect(first!.facts['evidenceLog10']).toBeGreaterThanOrEqual(first!.facts['lineLog10'] as number)
  })

  test('of a set whose classes overlap are not called bad for what nobody could label', () => {
    const found = judge(intake(2, 0.5, { a: honest, b: sloppy, c: noisy, d: honest, e: honest }, 700))
    expect([...found.keys()]).toEqual([])
  })

  test('with a fault of their own in one value, whatever the label, plant no trigger', () => {
    const stuck = (vector: number[], label: number, random: Numbers): [number[], number] => [
      random() < 0.3 ? vector.map((value, n) => (n === 5 ? 2 : value)) : vector,
      label,
    ]
    const found = judge(intake(3, 0.8, { a: honest, b: sloppy, c: noisy, stuck, e: honest }, 700))
    expect([...found.keys()]).toEqual([])
  })

  test('that send near copies of others are named, and those whose own records come in bursts are not', () => {
    const held: [number[], number][] = []
    let last: [number[], number] = [[], 0]
    let turn = 0
    const owner = (vector: number[], label: number): [number[], number] => {
      held.push([vector, label])
      return [vector, label]
    }
    const shaken = ([vector, label]: [number[], number], random: Numbers): [number[], number] => [
      vector.map((value) => value + 0.02 * normal(random)),
      label,
    ]
    const bursts = (vector: number[], label: number, random: Numbers): [number[], number] => {
      if (turn++ % 3 === 0) last = [vector, label]
      return shaken(last, random)
    }
    const copyist = (vector: number[], label: number, random: Numbers): [number[], number] =>
      held.length > 0 && random() < 0.3 ? shaken(held[Math.floor(random() * held.length)]!, random) : [vector, label]
    const found = judge(intake(5, 1.1, { owner, b: honest, c: noisy, bursts, copyist }))
    expect([...found.keys()]).toEqual(['copyist'])
    expect(kindsOf(found.get('copyist'))).toEqual(['copies'])
  })

  test('of which one alone has a class are not called bad for it', () => {
    const alone = (vector: number[], label: number, random: Numbers): [number[], number] =>
      random() < 0.1 ? [vector, 9] : [vector, label]
    const found = judge(intake(4, 1.1, { a: honest, b: honest, c: noisy, alone }, 700))
    expect([...found.keys()]).toEqual([])
  })
})
