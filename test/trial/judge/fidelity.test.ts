import { expect, test } from 'vitest'
import { identityOf } from '../customers/identity.ts'
import { Dice } from '../dice.ts'
import { Traffic } from '../files/traffic.ts'
import { tableShape } from '../victims/shapes.ts'
import { victimOf } from '../victims/victim.ts'
import { judgeCopies } from './copies.ts'
import { judgeFidelity, type LeakLine } from './fidelity.ts'
import { judge } from './judge.ts'

const dice = new Dice('fidelity test')
const victim = victimOf('m', tableShape(dice), 'logistic', false, dice)
const [much, little, absent] = [identityOf(dice), identityOf(dice), identityOf(dice)]
const history = new Traffic('history.jsonl', 0, dice.fork('history'))
history.call(1, absent, victim, victim.shape.natural(dice).input)
const traffic = new Traffic('a.jsonl', 0, dice.fork('a'))
const run = traffic.runId('s')
traffic.run({
  scenario: 's',
  id: run,
  model: 'm',
  accounts: [much.principal],
  accepted: ['extraction', 'distillation'],
})
for (let n = 0; n < 500; n++) traffic.call(n, much, victim, victim.shape.natural(dice).input, run)
for (let n = 0; n < 3; n++) traffic.call(n, little, victim, victim.shape.natural(dice).input)
const [before, file] = [history.written(), traffic.written()]

const line = (account: string, lo90: number, hi90: number): LeakLine => {
  return { file: 'a.jsonl', account, model: 'm', queries: 1, fidelity: (lo90 + hi90) / 2, lo90, hi90 }
}
const judged = (...lines: LeakLine[]): ReturnType<typeof judgeFidelity> =>
  judgeFidelity(1, [victim], before, [file], lines)

test('an interval holds the copy that the answers really make, or is told to lie above or below it', () => {
  expect(judged(line(much.principal, 0.85, 1))).toMatchObject({ told: 1, tried: 1, inside: 1, below: 0, above: 0 })
  expect(judged(line(much.principal, 0.1, 0.2))).toMatchObject({ inside: 0, below: 0, above: 1 })
  expect(judged(line(little.principal, 0.99, 1))).toMatchObject({ inside: 0, below: 1, above: 0 })
})

test('an account that did not call in the file is not tried', () => {
  expect(judged(line(absent.principal, 0, 1))).toMatchObject({ told: 0, tried: 0, widthMean: 0 })
})

test('a run that is found early leaves a worse copy than it would have made', () => {
  const id = file.truth.events.filter((event) => event.run === run)[5]!.id
  const { runs } = judge([file.truth], [{ file: 'a.jsonl', id, principal: much.principal, threat: 'extraction' }])
  const [copy] = judgeCopies(1, [victim], [file], runs)
  expect(copy!.whenFound!).toBeLessThan(copy!.atEnd!)
  expect(copy!.atEnd!).toBeGreaterThan(0.85)
  expect(judgeCopies(1, [victim], [file], judge([file.truth], []).runs)[0]!.whenFound).toBeUndefined()
})
