import { expect, it } from 'vitest'
import { compileRule } from './evaluate.ts'
import { FieldReader } from './fields.ts'
import { neededFields } from './needed-fields.ts'
import type { Condition } from './types.ts'

it('an alternative of nothing needs no field and never holds', () => {
  const nothing: Condition = { kind: 'or', of: [] }
  expect(neededFields(nothing)).toEqual(new Set())
  const reader = new FieldReader()
  const check = compileRule({ kind: 'selection', name: 's', of: nothing }, reader)
  expect(check()).toBe(false)
})
