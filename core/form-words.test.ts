import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { complaintText } from './form-words.ts'

const told = (schema: z.ZodType, value: unknown): string => complaintText(schema.safeParse(value).error!)

describe('what is wrong with a value’s form', () => {
  test.each<[z.ZodType, unknown, string]>([
    [z.strictObject({ a: z.string() }), {}, 'a: It is missing: text is expected.'],
    [z.strictObject({ a: z.string() }), [], 'A mapping of names to values is expected, not a list.'],
    [z.string(), null, 'Text is expected, not null.'],
    [z.int(), 1.5, 'A whole number is expected.'],
    [z.coerce.number(), 'x', 'A number is expected.'],
    [z.int().min(1), 0, 'It has to be at least 1.'],
    [z.number().gt(0), 0, 'It has to be more than 0.'],
    [z.number().max(5), 6, 'It has to be at most 5.'],
    [z.string().min(1), '', 'It is empty.'],
    [z.string().min(3), 'ab', 'It has to be of at least 3 characters.'],
    [z.array(z.string()).max(1), ['a', 'b'], 'It has to be of at most 1 item.'],
    [z.enum(['a', 'b']), 'hostile', 'One of "a", "b" is expected.'],
    [z.literal('a'), 'hostile', '"a" is expected.'],
    [z.iso.datetime(), 'hostile', 'A time such as 2026-03-01T12:00:00Z is expected.'],
    [z.string().regex(/^a/), 'hostile', 'It has to match /^a/.'],
    [z.strictObject({}), { x: 1 }, 'There is no "x".'],
    [z.string().max(2, 'Two at most.'), 'abc', 'Two at most.'],
  ])('%# is told with what to write, and without the value', (schema, value, words) => {
    expect(told(schema, value)).toBe(words)
  })

  test('of a union is what the variant that got furthest says, and where the kind is unknown, which there are', () => {
    const shapes = [z.strictObject({ kind: z.literal('a'), at: z.strictObject({ n: z.int() }) }), z.strictObject({ kind: z.literal('b') })] as const // prettier-ignore
    expect(told(z.union(shapes), { kind: 'a', at: { n: 'x' } })).toBe('at.n: A number is expected, not text.')
    expect(told(z.discriminatedUnion('kind', shapes), { kind: 'c' })).toBe('kind: One of "a", "b" is expected.')
    expect(told(z.union([z.string(), z.boolean()]), 1)).toBe('It has none of the possible forms.')
  })
})
