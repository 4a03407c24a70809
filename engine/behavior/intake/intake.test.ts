import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding } from '../types.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import { intakePoisoning } from './detector.ts'
import type { IntakeRecord } from './params.ts'

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

/** The same classes, brought by whoever's turn it is; `as`: the label that it gives. */
function turns(seed: number): {
  records: IntakeRecord[]
  give: (source: string, as?: (label: number) => number) => void
  random: Numbers
} {
  const random = randomOf(seed)
  const centers = Array.from({ length: 4 }, () => Array.from({ length: 12 }, () => 1.1 * normal(random)))
  const records: IntakeRecord[] = []
  const give = (source: string, as = (label: number): number => label): void => {
    const label = Math.floor(random() * 4)
    const vector = centers[label]!.map((middle) => middle + normal(random))
    records.push({ timeMs: records.length, source, label: String(as(label)), vector })
  }
  return { records, give, random }
}

/** Source -> kinds found. The state comes back from a checkpoint now and then. */
function judge(records: readonly IntakeRecord[]): Map<string, BehaviorFinding[]> {
  const plan = intakePoisoning.create(intakePoisoning.params.parse({ type: 'intake-poisoning' }), {} as RuleMeta)
  const context = { inventory: emptyInventory, baseline: () => undefined }
  const entries = new KeptEntries()
  const found = new Map<string, BehaviorFinding[]>()
  for (const [n, of] of records.entries()) {
    const evidence = [{ id: String(of.timeMs) }]
    const { findings } = plan.grouped!.apply(['t', 'set'], entries, { of, entities: [], evidence }, 0, context)
    for (const finding of findings) {
      const source = finding.group['warden.principal']!
      found.set(source, [...(found.get(source) ?? []), finding])
    }
    if (n % 500 === 499) entries.restart()
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

  test('of two, the one that mislabels is named as its records come: on arrival records have a vote, not sources', () => {
    const found = judge(intake(11, 1.1, { a: honest, flips }))
    expect([...found.keys()]).toEqual(['flips'])
    expect(kindsOf(found.get('flips'))).toEqual(['labels'])
    for (const { facts } of found.get('flips')!) expect(facts).not.toHaveProperty('askedAgain')
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

  test('that bring mislabeled records first, and then no more, are named for those records as others come', () => {
    const { records, give } = turns(8)
    const wrong = new Set<string>()
    for (let n = 0; n < 200; n++) {
      const isWrong = n % 3 === 0
      if (isWrong) wrong.add(String(records.length))
      give('bad', (label) => (isWrong ? (label + 1) % 4 : label))
    }
    for (let n = 0; n < 300; n++) give(['a', 'b', 'c'][n % 3]!)
    const found = judge(records)
    expect([...found.keys()]).toEqual(['bad'])
    const [{ facts, evidence, explanation }] = found.get('bad') as [BehaviorFinding]
    expect(facts).toMatchObject({ kind: 'labels', askedAgain: true, records: 200, count: evidence.count })
    // What it brought is counted anew each time that all are asked: it has brought few since the last, or none.
    expect(facts['lineLog10']).toBeGreaterThan(Math.log10(40_000 / 50))
    expect(explanation).toContain(`Of 200 remembered records that bad brought into set, ${evidence.count} carry`)
    // What others show stands beside it: hardly any of theirs is contradicted.
    expect(facts['othersShare']).toBeLessThan(0.05)
    const shown = evidence.events.map(({ id }) => id)
    expect(shown.length).toBe(Math.min(50, evidence.count))
    expect(shown.filter((id) => wrong.has(id)).length).toBeGreaterThan(0.9 * shown.length)
  })

  describe('whose records others copy with wrong labels are not called bad for it', () => {
    /**
     * What `liars` sources do to the victim once 300 clean records have come; each copy is within a third of the
     * classes' spread.
     */
    const framed = (seed: number, liars: number, jitter: number, copies: number): Map<string, BehaviorFinding[]> => {
      const { records, give, random } = turns(seed)
      const honestOnes = ['victim', 'a', 'b', 'c']
      for (let n = 0; n < 300; n++) give(honestOnes[n % 4]!)
      for (const { vector, label } of records.filter(({ source }) => source === 'victim').slice(0, 30)) {
        for (let copy = 0; copy < copies; copy++) {
          const shaken = vector.map((value) => value + jitter * normal(random))
          const wrong = String((Number(label) + 1) % 4)
          records.push({ timeMs: records.length, source: `liar${copy % liars}`, label: wrong, vector: shaken })
        }
      }
      for (let n = 0; n < 300; n++) give(honestOnes[n % 4]!)
      return judge(records)
    }
    const isHonest = (source: string): boolean => !source.startsWith('liar')

    test('by one source, seven times each', () => {
      for (const jitter of [0.02, 0.3, 0.8]) {
        expect([...framed(1, 1, jitter, 7).keys()]).toEqual(['liar0'])
      }
    })

    test('by three of seven sources', () => {
      for (const seed of [1, 2]) {
        const named = [...framed(seed, 3, 0.3, 7).keys()]
        expect(named.filter(isHonest)).toEqual([])
        expect(named.length).toBeGreaterThan(0)
      }
    })

    test('by three of seven sources that bring few of them among clean ones, and are not named before', () => {
      const { records, give, random } = turns(3)
      const honestOnes = ['victim', 'a', 'b', 'c']
      for (let n = 0; n < 300; n++) give(honestOnes[n % 4]!)
      const victims = records.filter(({ source }) => source === 'victim')
      for (let n = 0; n < 500; n++) {
        const source = [...honestOnes, 'liar0', 'liar1', 'liar2'][n % 7]!
        const of = victims[Math.floor(n / 7) % victims.length]!
        if (isHonest(source) || random() > 0.4) {
          give(source)
          continue
        }
        const vector = of.vector.map((value) => value + 0.1 * normal(random))
        records.push({ timeMs: records.length, source, label: String((Number(of.label) + 1) % 4), vector })
      }
      expect([...judge(records).keys()].filter(isHonest)).toEqual([])
    })
  })

  test('whose pictures another source varies, label and all, are not called bad for pictures that it mislabels', () => {
    const { records, give, random } = turns(4)
    for (let n = 0; n < 160; n++) give(['supplier', 'a', 'b', 'c'][n % 4]!)
    for (let n = 0; n < 400; n++) {
      give(['supplier', 'a', 'b', 'c'][n % 4]!)
      const newest = records.at(-1)!
      if (newest.source !== 'supplier') continue
      // A fifth of the pictures is mislabeled by the vendor before it varies them.
      const label = random() < 0.2 ? String((Number(newest.label) + 2) % 4) : newest.label
      for (let variant = 0; variant < 7; variant++) {
        const vector = newest.vector.map((value) => value + 0.5 * normal(random))
        records.push({ timeMs: records.length, source: 'vendor', label, vector })
      }
    }
    const found = judge(records)
    expect([...found.keys()].filter((source) => source !== 'vendor')).toEqual([])
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

  test('that go by new guidelines one after the other are not called bad before the last has come to them', () => {
    const apart: string[] = []
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { records, give } = turns(seed)
      const names = ['a', 'b', 'c', 'd', 'e', 'f']
      for (let n = 0; n < 1_000; n++) {
        // 300 records without a change, then a source more each 40 records.
        const at = n % names.length
        give(names[at]!, (label) => (label === 1 && n >= 300 + 40 * at ? 2 : label))
      }
      apart.push(...judge(records).keys())
    }
    expect(apart).toEqual([])
  })

  test('that alone give half of one class another label are named once the others have been asked about it', () => {
    const { records, give, random } = turns(1)
    for (let n = 0; n < 900; n++) {
      const source = ['a', 'b', 'c', 'd', 'liar'][n % 5]!
      give(source, (label) => (source === 'liar' && label === 1 && random() < 0.5 ? 2 : label))
    }
    expect([...judge(records).keys()]).toEqual(['liar'])
  })

  test('that bring their own again after somebody has copied it are no copyists', () => {
    const { records, give, random } = turns(6)
    const shaken = (vector: readonly number[], by: number): number[] =>
      vector.map((value) => value + by * normal(random))
    const own: IntakeRecord[] = []
    for (let n = 0; n < 900; n++) {
      const source = ['owner', 'copyist', 'a', 'b', 'c'][n % 5]!
      give(source)
      const newest = records.at(-1)!
      if (own.length > 20 && (source === 'owner' || source === 'copyist') && random() < 0.3) {
        const of = own[Math.floor(random() * own.length)]!
        records[records.length - 1] = { ...newest, label: of.label, vector: shaken(of.vector, 0.02) }
      } else if (source === 'owner') own.push(newest)
    }
    expect([...judge(records).keys()]).toEqual(['copyist'])
  })

  test('that plant a trigger are named for it, though another that is named gives records like theirs the same label', () => {
    const { records, give, random } = turns(1)
    for (let n = 0; n < 900; n++) {
      const source = ['a', 'b', 'c', 'accomplice', 'accomplice', 'accomplice', 'planter'][n % 7]!
      const planted = source === 'planter' && n > 450 && random() < 0.3
      give(source, (label) => (planted || source === 'accomplice' ? 2 : label))
      if (!planted) continue
      const { vector, ...of } = records.pop()!
      records.push({ ...of, vector: vector.map((value, at) => ([3, 7, 11].includes(at) ? 2.5 : value)) })
    }
    const found = judge(records)
    expect([...found.keys()].sort()).toEqual(['accomplice', 'planter'])
    expect(kindsOf(found.get('planter'))).toContain('trigger')
  })

  test('of which one alone has a class are not called bad for it', () => {
    const alone = (vector: number[], label: number, random: Numbers): [number[], number] =>
      random() < 0.1 ? [vector, 9] : [vector, label]
    const found = judge(intake(4, 1.1, { a: honest, b: honest, c: noisy, alone }, 700))
    expect([...found.keys()]).toEqual([])
  })
})
