import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelFileError, type ByteSource } from './bytes.ts'
import { compare } from './compare.ts'
import { fingerprint } from './fingerprint.ts'

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => {
      if (offset < 0 || offset + length > bytes.length) throw new Error('read past the end')
      return Promise.resolve(bytes.subarray(offset, offset + length))
    },
  }
}

/** Numbers near 0, the same for the same seed. */
function weights(seed: number, count: number): number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state / 2 ** 33
  })
}

type Named = Readonly<Record<string, readonly number[]>>

function f32(values: readonly number[]): Buffer {
  return Buffer.from(new Float32Array(values).buffer)
}

/** The bits of each 32-bit number's upper half: a cast to bfloat16 that cuts. */
function bf16(values: readonly number[]): Buffer {
  const wide = f32(values)
  return Buffer.concat(values.map((_, n) => wide.subarray(4 * n + 2, 4 * n + 4)))
}

function safetensors(tensors: Named, dtype: 'F32' | 'BF16' = 'F32'): Buffer {
  const data = Object.values(tensors).map(dtype === 'F32' ? f32 : bf16)
  let at = 0
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, values], n) => {
      const from = at
      at += data[n]!.length
      return [name, { dtype, shape: [values.length], data_offsets: [from, at] }]
    }),
  )
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, ...data])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content])
}

function onnx(tensors: Named): Buffer {
  const initializers = Object.entries(tensors).map(([name, values]) =>
    field(
      5,
      Buffer.concat([
        Buffer.from([8]),
        varint(values.length),
        Buffer.from([16, 1]),
        field(8, Buffer.from(name)),
        field(9, f32(values)),
      ]),
    ),
  )
  return Buffer.concat([
    Buffer.from([8, 9]),
    field(7, Buffer.concat([field(2, Buffer.from('graph')), ...initializers])),
  ])
}

function gguf(tensors: Named): Buffer {
  const number = (value: number, bytes: 4 | 8): Buffer => {
    const made = Buffer.alloc(bytes)
    if (bytes === 4) made.writeUInt32LE(value)
    else made.writeBigUInt64LE(BigInt(value))
    return made
  }
  const text = (value: string): Buffer => Buffer.concat([number(value.length, 8), Buffer.from(value)])
  let at = 0
  const infos = Object.entries(tensors).map(([name, values]) => {
    const info = Buffer.concat([text(name), number(1, 4), number(values.length, 8), number(0, 4), number(at, 8)])
    at += Math.ceil((4 * values.length) / 32) * 32
    return info
  })
  const words = Buffer.concat([text('words'), number(9, 4), number(8, 4), number(2, 8), text('a'), text('bc')])
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    number(3, 4),
    number(infos.length, 8),
    number(1, 8),
    words,
    ...infos,
  ])
  const padded = (data: Buffer): Buffer => Buffer.concat([data, Buffer.alloc(-data.length & 31)])
  return Buffer.concat([padded(head), ...Object.values(tensors).map((values) => padded(f32(values)))])
}

const model: Named = { layer0: weights(1, 4_096), layer1: weights(2, 2_048), norm: new Array<number>(512).fill(1) }
const other: Named = { layer0: weights(11, 4_096), layer1: weights(12, 2_048), norm: new Array<number>(512).fill(1) }

async function printOf(bytes: Buffer, name: string) {
  return fingerprint(sourceOf(bytes), name)
}

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
    ['negative shapes', header({ a: { dtype: 'F32', shape: [-1, -4], data_offsets: [0, 16] } })],
  ])('with %s is refused with a clear error', async (_, bytes) => {
    await expect(printOf(bytes, 'x.safetensors')).rejects.toThrow(ModelFileError)
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
        async ([bytes, name], at, value, cut) => {
          const changed = Buffer.from(bytes)
          changed[at % bytes.length] = value
          const given = cut ? changed.subarray(0, at % bytes.length) : changed
          const ended = await printOf(given, name).catch((error: unknown) => error)
          if (ended instanceof Error) expect(ended).toBeInstanceOf(ModelFileError)
        },
      ),
      { numRuns: 1_500 },
    )
  })
})
