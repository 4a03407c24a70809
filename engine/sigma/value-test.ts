/**
 * What a value asks of a field, once its modifiers have been applied (modifiers.ts).
 *
 * Pure.
 */
import { checkedRegex } from './regex.ts'
import type { Test } from './types.ts'
import type { Problem, Value } from './values.ts'

export function testOf(value: Value): Test | Problem {
  switch (value.type) {
    case 'text':
      return { kind: 'pattern', parts: value.parts, cased: value.cased }
    case 'number': {
      const usual: Test = { kind: 'pattern', parts: [String(value.value)], cased: false }
      if (value.written === String(value.value)) return usual
      return { kind: 'oneOf', tests: [usual, { kind: 'pattern', parts: [value.written], cased: false }] }
    }
    case 'boolean':
      return { kind: 'pattern', parts: [String(value.value)], cased: false }
    case 'null':
      return { kind: 'null' }
    case 'time':
      return { kind: 'compare', op: 'eq', to: value.value, part: value.part }
    case 'test':
      return value.test
    case 'regex':
      return checkedRegex(value.source, value.flags)
    case 'several':
      return finishSeveral(value.values)
  }
}

function finishSeveral(values: readonly Value[]): Test | Problem {
  const tests: Test[] = []
  for (const value of values) {
    const test = testOf(value)
    if ('problem' in test) return test
    tests.push(test)
  }
  return { kind: 'oneOf', tests }
}
