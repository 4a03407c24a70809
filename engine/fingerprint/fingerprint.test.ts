import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gguf, onnx, printOf, safetensors, weights, type Named } from '../../test/support/model-files.ts'
import { ModelFileError } from './bytes.ts'
import { compare } from './compare.ts'

const model: Named = { layer0: weights(1, 4_096), layer1: weights(2, 2_048), norm: new Array<number>(512).fill(1) }
const other: Named = { layer0: weights(11, 4_096), layer1: weights(12, 2_048), norm: new Array<number>(512).fill(1) }

describe('a found file and a registered one', async () => {
  const registered = await printOf(safetensors(model), 'model.safetensors')

  test('the same bytes are identical', async () => {
    expect(compare(registered, await printOf(safetensors(model), 'found.bin')).verdict).toBe('identical')
  })

  test.each([
    ['GGUF', gguf(model), 'found.gguf'],
    ['ONNX', onnx(model), 'found.onnx'],
    [
      'safetensors with other names and one more tensor',
      safetensors({ a: model['layer0']!, b: model['layer1']!, head: weights(7, 900) }),
      'x.safetensors',
    ],
  ])('the same tensors as %s are contained', async (_, bytes, name) => {
    expect(compare(registered, await printOf(bytes, name))).toMatchObject({ verdict: 'contains', equalTensors: 2 })
  })

  test('a copy cast to 16 bits derives', async () => {
    const found = await printOf(safetensors(model, 'BF16'), 'half.safetensors')
    expect(compare(registered, found)).toMatchObject({ verdict: 'derives', equalShare: 0, nearShare: 1 })
  })

  test('a copy that was fine-tuned lightly derives', async () => {
    const noise = weights(99, 4_096)
    const tuned = Object.fromEntries(
      Object.entries(model).map(([name, values]) => [name, values.map((value, n) => value + 0.05 * noise[n]!)]),
    )
    expect(compare(registered, await printOf(safetensors(tuned), 't.safetensors'))).toMatchObject({
      verdict: 'derives',
      nearTensors: 2,
    })
  })

  test('another training of the same architecture is unrelated, though its fresh norms are equal', async () => {
    expect(compare(registered, await printOf(safetensors(other), 'o.safetensors'))).toMatchObject({
      verdict: 'unrelated',
      equalTensors: 0,
      nearTensors: 0,
    })
  })
})

describe('a hostile file', () => {
  const length = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(value)
    return bytes
  }
  const header = (value: unknown): Buffer => {
    const text = Buffer.from(JSON.stringify(value))
    return Buffer.concat([length(BigInt(text.length)), text, Buffer.alloc(64)])
  }
  test.each([
    ['a header as long as all memory', Buffer.concat([length(2n ** 63n), Buffer.alloc(64)])],
    ['a header past its end', Buffer.concat([length(4_000n), Buffer.from('{}')])],
    ['a header that is no JSON', Buffer.concat([length(4n), Buffer.from('{{{{')])],
    ['offsets past its end', header({ a: { dtype: 'F32', shape: [4], data_offsets: [0, 1_600] } })],
    ['offsets that run backwards', header({ a: { dtype: 'F32', shape: [4], data_offsets: [32, 16] } })],
    ['a shape that does not fit', header({ a: { dtype: 'F32', shape: [4_000_000], data_offsets: [0, 16] } })],
    [
      'two tensors that share a byte, though it has room for both',
      header({
        a: { dtype: 'U8', shape: [8], data_offsets: [7, 15] },
        b: { dtype: 'U8', shape: [8], data_offsets: [0, 8] },
      }),
    ],
    [
      'tensors that lie upon each other',
      header(
        Object.fromEntries(
          Array.from({ length: 9 }, (_, n) => [n, { dtype: 'F32', shape: [16], data_offsets: [0, 64] }]),
        ),
      ),
    ],
    ['negative shapes', header({ a: { dtype: 'F32', shape: [-1, -4], data_offsets: [0, 16] } })],
  ])('with %s is refused with a clear error', async (_, bytes) => {
    await expect(printOf(bytes, 'x.safetensors')).rejects.toThrow(ModelFileError)
  })

  test('that names its tensors in another order than they lie in, an empty one among them, is none', async () => {
    const found = header({
      a: { dtype: 'U8', shape: [8], data_offsets: [8, 16] },
      empty: { dtype: 'U8', shape: [0], data_offsets: [8, 8] },
      b: { dtype: 'U8', shape: [8], data_offsets: [0, 8] },
    })
    expect((await printOf(found, 'x.safetensors')).tensors).toHaveLength(3)
  })

  test('in GGUF with an empty tensor of a type that nobody knows is none, wherever that lies', async () => {
    const found = gguf({ a: weights(3, 80), empty: [], b: weights(4, 70) })
    const type = found.indexOf('empty') + 'empty'.length + 4 + 8
    expect(found.readUInt32LE(type)).toBe(0)
    found.writeUInt32LE(99, type)
    const { tensors } = await printOf(found, 'x.gguf')
    expect(tensors.map(({ name, elements }) => [name, elements])).toEqual([
      ['a', 80],
      ['empty', 0],
      ['b', 70],
    ])
  })

  test('with a brace at its ninth byte is no model file by that', async () => {
    const records = Buffer.from('{"msg": {"a": 1}}\n')
    expect(await printOf(records, 'records.jsonl')).toMatchObject({ format: 'other', tensors: [] })
  })

  test('cut anywhere, or with any byte changed, ends with a fingerprint or a typed error', async () => {
    const small: Named = { a: weights(3, 80), b: weights(4, 70) }
    const files: [Buffer, string][] = [
      [safetensors(small), 'x.safetensors'],
      [gguf(small), 'x.gguf'],
      [onnx(small), 'x.onnx'],
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.nat(),
        fc.nat(255),
        fc.boolean(),
        fc.boolean(),
        async ([bytes, name], at, value, cut, partial) => {
          const changed = Buffer.from(bytes)
          changed[at % bytes.length] = value
          const given = cut ? changed.subarray(0, at % bytes.length) : changed
          const ended = await printOf(given, name, { partial }).catch((error: unknown) => error)
          if (ended instanceof Error) expect(ended).toBeInstanceOf(ModelFileError)
        },
      ),
      { numRuns: 1_500 },
    )
  })
})
