import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from '../account/account.ts'
import { shows } from '../account/evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { learnReference, openReference, type Reference, type Sample } from '../honest/reference.ts'
import { shownBy } from './shown.ts'
import { Strides, withStrides } from './strides.ts'
import { alikeOf, stridesOf } from '../learn/usual.ts'

const random = randomOf(61)
const normal = normalOf(random)
/** What columns vary by, and about what. */
const widths = [600, 0.01, 0.3, 2, 0.05, 20, 1, 0.4, 5_000, 0.002, 8, 0.7]
const middles = [1_000, 0.1, 1, 14, 0.2, 90, 3, 3, 20_000, 0.01, 40, 2]
type Row = readonly number[]
const row = (): Row => {
  const [a, b] = [normal(), normal()]
  return widths.map((width, i) => middles[i]! + width * ((i % 2 === 0 ? a : b) + 0.5 * normal()))
}
const rows = (count: number, next = row): Row[] => Array.from({ length: count }, next)
/** By a third of what each column varies by, one way or the other. */
const step = widths.map((width) => 0.3 * width)
const either = (): number => (random() < 0.5 ? -1 : 1)
const moved = (of: Row, by: Row, way: () => number = () => 1): Row => of.map((value, i) => value + way() * by[i]!)
const labelOf = (x: Row | ArrayLike<number>): string => (x[0]! > middles[0]! ? 'yes' : 'no')

function referenceOf(next: () => Row): Reference {
  const accounts = Array.from({ length: 10 }, () =>
    rows(100, next).map((x): Sample => ({ x: Float64Array.from(x), label: labelOf(x), margin: 0.5 })),
  )
  const learned = { ...learnReference(accounts)!, alike: 0.1 }
  const told = { ...learned, alike: alikeOf(accounts, learned.units), strides: stridesOf(accounts, learned)! }
  return openReference(JSON.parse(JSON.stringify(told)))!
}
const reference = referenceOf(row)

/** How many of the inputs of one account are shown to be such a step, after the others. */
function stepsIn(inputs: readonly Row[], of = reference, kinds = shows.step, entries = new KeptEntries()): number {
  const account = new Account(widths.length)
  account.open(account.begin(0))
  let count = 0
  for (const values of inputs) {
    const [x, label] = [Float64Array.from(values), labelOf(values)]
    const input = { kind: 'features', x, label, margin: 1, blackAndWhite: false } as const
    const alone = shownBy(account, { input, member: false }, of, false)
    const shown = withStrides(entries, account, input, of.told, alone)
    account.remember(keyOfText(label), shown.notes)
    if ((alone.bits & kinds) === 0 && (shown.bits & kinds) !== 0) count++
  }
  return count
}

describe('a step that is as long in each column as another was', () => {
  test('is known from the second one on', () => {
    const seeds = rows(12)
    expect(stepsIn([...seeds, ...seeds.map((x) => moved(x, step, either))])).toBeGreaterThanOrEqual(10)
  })

  test('is known among odd inputs after more natural ones than are kept', () => {
    const odd = rows(8).map((x) => moved(x, widths, (i = 1) => 4 * either() * i))
    const later = odd.flatMap((x) => [moved(x, step, either), ...rows(20)])
    expect(stepsIn([...odd, ...rows(600), ...later], reference, shows.oddStep)).toBeGreaterThanOrEqual(5)
  })

  test('is none where nothing was learned of how often honest differences are as long', () => {
    const { strides: _, ...told } = reference.told
    const seeds = rows(12)
    expect(stepsIn([...seeds, ...seeds.map((x) => moved(x, step, either))], openReference(told))).toBe(0)
  })

  const honest: readonly [string, () => Row[]][] = [
    ['other records', () => rows(400)],
    ['records with noise', () => rows(40).flatMap((x, _, all) => [x, moved(all[0]!, step, normal)])],
    [
      'one scenario worked out for many, and its opposite',
      () =>
        [moved(step, step, either)].flatMap((by) => {
          const of = rows(20)
          return [...of, ...of.map((x) => moved(x, by)), ...of.map((x) => moved(x, by, () => -1))]
        }),
    ],
    [
      'several scenarios',
      () => {
        const of = rows(20)
        return [...of, ...rows(4).flatMap(() => [step.map((by) => either() * by * (0.5 + random()))].flatMap((by) => of.map((x) => moved(x, by))))] // prettier-ignore
      },
    ],
    [
      'records read in coarse steps, as few accounts do',
      () => rows(400).map((x) => x.map((value, i) => 0.5 * widths[i]! * Math.round((2 * value) / widths[i]!))),
    ],
    ['corners of one box', () => [row()].flatMap((center) => rows(200, () => moved(center, step, either)))],
    [
      'machines that go on from where they were',
      () => {
        const at = rows(12)
        return Array.from({ length: 400 }, (_, n) => (at[n % 12] = moved(at[n % 12]!, step, normal)))
      },
    ],
  ]
  test.each(honest)('is none of %s', (_, inputs) => {
    for (let n = 0; n < 5; n++) expect(stepsIn(inputs())).toBe(0)
  })

  test('must be the more alike, the more often honest differences are: whole numbers from one to five', () => {
    const grade = (): Row => [...rows(1)[0]!.slice(0, 2), ...Array.from({ length: 10 }, () => 1 + Math.floor(5 * random()))] // prettier-ignore
    const of = referenceOf(grade)
    expect(of.told.strides).toBeGreaterThan(0.2)
    expect(reference.told.strides).toBeLessThan(0.15)
    expect(stepsIn(rows(400, grade), of)).toBeLessThanOrEqual(1)
  })

  test('is known of steps that were read from the state again; what is none is not read', () => {
    const entries = new KeptEntries()
    const seeds = rows(12)
    expect(stepsIn([...seeds, moved(seeds[0]!, step, either)], reference, shows.step, entries)).toBe(0)
    const again = new KeptEntries()
    again.set('strides', JSON.parse(JSON.stringify(entries.get('strides'))))
    expect(stepsIn([...seeds, moved(seeds[1]!, step, either)], reference, shows.step, again)).toBe(1)
    for (const text of ['', 'AA==', 'DAAA', Buffer.alloc(2_000, 12).toString('base64')])
      expect(Strides.of(text)).toBeUndefined()
  })

  test('is not looked for in pictures', () => {
    const picture = (): Row => Array.from({ length: 12 }, () => 0.2 + 0.6 * random())
    const entries = new KeptEntries()
    stepsIn(rows(100, picture), reference, shows.step, entries)
    expect(entries.get('strides')).toBeUndefined()
    expect(referenceOf(picture).told.strides).toBeUndefined()
  })

  test('is none that leads further than honest inputs of one account lie near, nor one from the newest input', () => {
    const seeds = rows(12)
    const far = widths.map((width) => 2.5 * width)
    expect(stepsIn([...seeds, ...seeds.map((x) => moved(x, far, either))])).toBe(0)
    expect(stepsIn(seeds.flatMap((x) => [x, moved(x, step, either)]))).toBe(0)
  })

  test('is looked for anew where inputs have another length', () => {
    const entries = new KeptEntries()
    entries.set('strides', new Strides(10, new Float16Array(10)))
    stepsIn([...rows(20)], reference, shows.step, entries)
    expect(entries.get<Strides>('strides')!.width).toBe(12)
  })
})
