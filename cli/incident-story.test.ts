import { expect, test } from 'vitest'
import type { Action } from '../core/action.ts'
import type { Signal } from '../core/signal.ts'
import { actionLine, decisionLine, entityLines, findingLines } from './incident-story.ts'

const finding = (n: number, rule: string): Signal =>
  ({
    '@timestamp': `2026-03-02T10:00:${String(n).padStart(2, '0')}.000Z`,
    status: 'open',
    rule: { id: rule, level: 'high', shadow: false },
    explanation: `${rule} found ${n}\u001b[2J`,
  }) as Signal

test('a rule that found the same again and again is told once, with how often and until when', () => {
  const lines = findingLines([...Array.from({ length: 24 }, (_, n) => finding(n, 'copied')), finding(30, 'stopped')])
  expect(lines).toHaveLength(3)
  expect(lines[0]).toContain('copied found 0')
  expect(lines[1]).toContain('23 more of this rule, until 2026-03-02T10:00:23.000Z')
  expect(lines[2]).toContain('stopped found 30')
  expect(lines.join()).not.toContain('\u001b')
})

test('three findings of a rule are told each, and a shadow rule says that it is one', () => {
  const shadow = { ...finding(3, 'b'), rule: { ...finding(3, 'b').rule, shadow: true } }
  const lines = findingLines([finding(0, 'a'), finding(1, 'a'), finding(2, 'a'), shadow])
  expect(lines).toHaveLength(4)
  expect(lines[3]).toContain('high, shadow')
})

test('of many assets the first are named and the rest counted; the next type is not lost', () => {
  const assets = Array.from({ length: 25 }, (_, n) => ({ type: 'asset' as const, id: `shard-${n}` }))
  const lines = entityLines([...assets, { type: 'principal', id: 'own/dana' }])
  expect(lines).toHaveLength(7)
  expect(lines[5]).toBe('asset: 20 more')
  expect(lines[6]).toBe('principal: own/dana')
})

test('an action that took something away shows the id that an undo asks for; a message does not', () => {
  const action = { id: 'a-1', at: 't', connector: 'licensing', action: 'credential.suspend', summary: 'Refused.' }
  expect(actionLine({ ...action, state: 'verified', destructive: true } as Action)).toContain('(action a-1)')
  expect(actionLine({ ...action, state: 'dry-run', destructive: true } as Action)).not.toContain('a-1')
  expect(actionLine({ ...action, state: 'done', destructive: false } as Action)).not.toContain('a-1')
})

test('a decision says what was decided: the verdict, the assignee', () => {
  const base = { id: 'd', at: 't', by: 'operator:ana', roles: [], tenant: 'own', incidentId: 'i' }
  expect(decisionLine({ ...base, kind: 'close', verdict: 'false-positive' } as never)).toContain(
    'close as false-positive',
  )
  expect(decisionLine({ ...base, kind: 'assign', assignee: 'bo' } as never)).toContain('assign to bo')
})
