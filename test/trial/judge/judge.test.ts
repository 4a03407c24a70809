import { expect, test } from 'vitest'
import type { FileTruth } from '../truth/truth.ts'
import { judge, type Alert } from './judge.ts'

const file = 'a.jsonl'

/** thief: two honest calls, then three of the run; honest: four calls; a second run that nobody finds. */
const truth: FileTruth = {
  file,
  events: [
    ['0', 'thief', undefined],
    ['1', 'honest', undefined],
    ['2', 'thief', undefined],
    ['3', 'thief', 'run 1'],
    ['4', 'honest', undefined],
    ['5', 'thief', 'run 1'],
    ['6', 'other', 'run 2'],
    ['7', 'thief', 'run 1'],
    ['8', 'honest', undefined],
    ['9', 'honest', undefined],
  ].map(([id, account, run]) => ({ id: id!, account: account!, model: 'm', ...(run === undefined ? {} : { run }) })),
  runs: [
    { scenario: 's', id: 'run 1', model: 'm', accounts: ['thief'], accepted: ['extraction'] },
    { scenario: 's', id: 'run 2', model: 'm', accounts: ['other'], accepted: ['extraction'] },
  ],
  honest: [
    { account: 'honest', kind: 'steady' },
    { account: 'quiet', kind: 'steady' },
    { account: 'thief', kind: 'steady' },
  ],
}

const alert = (id: string, principal: string, threat = 'extraction'): Alert => ({ file, id, principal, threat })

test('a run is found at its first right alert, and its queries are counted to there', () => {
  const { scenarios, runs } = judge([truth], [alert('7', 'thief'), alert('5', 'thief')])
  expect(runs.map(({ foundAt }) => foundAt)).toEqual([5, undefined])
  expect(scenarios).toEqual([
    {
      scenario: 's',
      runs: 2,
      runsFound: 1,
      runsMisnamed: 0,
      accounts: 2,
      accountsFound: 1,
      queriesMedian: 2,
      queriesMost: 2,
      wrongNames: {},
    },
  ])
})

test('an alert before the attack began finds nothing, and is counted as false', () => {
  const { scenarios, honest } = judge([truth], [alert('2', 'thief')])
  expect(scenarios[0]!.runsFound).toBe(0)
  expect(honest.alertsBeforeAttack).toBe(1)
})

test('an alert under another name finds no run, and the name is told', () => {
  const { scenarios } = judge([truth], [alert('5', 'thief', 'inversion')])
  expect(scenarios[0]).toMatchObject({ runsFound: 0, runsMisnamed: 1, wrongNames: { inversion: 1 } })
})

test('a group alert finds each account that it names', () => {
  const { scenarios } = judge(
    [truth],
    [{ file, id: '7', principals: ['thief', 'other', 'honest'], threat: 'extraction' }],
  )
  expect(scenarios[0]).toMatchObject({ runsFound: 2, accountsFound: 2 })
})

test('honest accounts and their alerts are counted by kind, and who attacks is none of them', () => {
  const { honest } = judge([truth], [alert('4', 'honest'), alert('8', 'honest', 'inversion'), alert('9', 'thief')], {
    history: { ...truth, honest: [{ account: 'honest', kind: 'steady' }] },
    ordinary: new Set(['steady']),
  })
  expect(honest).toMatchObject({ accounts: 2, alerted: 1, events: 6, alerts: 2 })
  expect(honest.alertsIn10000Events).toBeCloseTo(2e4 / 6)
  expect(honest.kinds).toEqual([
    { kind: 'steady', accounts: 2, alerted: 1, known: 1, knownAlerted: 1, threats: { extraction: 1, inversion: 1 } },
  ])
})

test('an alert of another file or of an event that is not there counts for nothing', () => {
  const { scenarios, honest } = judge([truth], [{ ...alert('5', 'thief'), file: 'b.jsonl' }, alert('77', 'honest')])
  expect([scenarios[0]!.runsFound, honest.alerts]).toEqual([0, 0])
})

test('ordinary customers are those of the kinds that are called so', () => {
  const mixed: FileTruth = { ...truth, honest: [...truth.honest, { account: 'odd', kind: 'load tester' }] }
  const { ordinary } = judge([mixed], [alert('4', 'odd')], { ordinary: new Set(['steady']) }).honest
  expect([ordinary.accounts, ordinary.alerted]).toEqual([2, 0])
  expect(ordinary.share95[0]).toBe(0)
})

test('a change of a model is found by its model once it can be told, accuses nobody, and is false before it and elsewhere', () => {
  const event = (n: number, model: string, run?: string): FileTruth['events'][number] => {
    return { id: `${n}`, account: 'u', model, ...(run === undefined ? {} : { run }) }
  }
  const drifting: FileTruth = {
    file,
    events: [event(0, 'm'), event(1, 'other'), ...Array.from({ length: 12 }, (_, n) => event(n + 2, 'm', 'run 1'))],
    runs: [{ scenario: 'drift', id: 'run 1', model: 'm', accounts: [], accepted: ['drift'], ofModel: true }],
    honest: [{ account: 'u', kind: 'steady' }],
  }
  const found = (...ids: string[]): ReturnType<typeof judge> =>
    judge(
      [drifting],
      ids.map((id) => ({ file, id, threat: 'drift' })),
    )
  const { scenarios, honest } = found('0', '1', '10', '11')
  expect(scenarios[0]).toMatchObject({ runsFound: 1, queriesMedian: 10, accounts: 1, accountsFound: 1 })
  expect(honest).toMatchObject({ alerted: 0, alertsOfModelsUnchanged: 3 })
  expect(found('10').scenarios[0]!.runsFound).toBe(0)
})
