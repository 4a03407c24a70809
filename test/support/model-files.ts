/** Small model files, made byte by byte. */
import type { ByteSource } from '../../engine/fingerprint/bytes.ts'
import { fingerprint, type FilePrint, type FingerprintOptions } from '../../engine/fingerprint/fingerprint.ts'

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => {
      if (offset < 0 || offset + length > bytes.length) throw new Error('read past the end')
      return Promise.resolve(bytes.subarray(offset, offset + length))
    },
  }
}

/** Numbers near 0, the same for the same seed. */
export function weights(seed: number, count: number): number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state / 2 ** 33
  })
}

export type Named = Readonly<Record<string, readonly number[]>>

export function f32(values: readonly number[]): Buffer {
  return Buffer.from(new Float32Array(values).buffer)
}

/** The bits of each 32-bit number's upper half: a cast to bfloat16 that cuts. */
function bf16(values: readonly number[]): Buffer {
  const wide = f32(values)
  return Buffer.concat(values.map((_, n) => wide.subarray(4 * n + 2, 4 * n + 4)))
}

export function safetensors(tensors: Named, dtype: 'F32' | 'BF16' = 'F32'): Buffer {
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

/** Blocks of a half-precision scale, which is a power of two here, and 32 quants of four bits. */
function q4(values: readonly number[]): Buffer {
  const blocks = Array.from({ length: values.length / 32 }, (_, n) => {
    const block = values.slice(32 * n, 32 * n + 32)
    const power = Math.ceil(Math.log2(Math.max(...block.map(Math.abs)) / 7))
    const quants = block.map((value) => Math.round(value / 2 ** power) + 8)
    const made = Buffer.alloc(18)
    made.writeUInt16LE((power + 15) << 10)
    for (let at = 0; at < 16; at++) made[2 + at] = quants[at]! | (quants[16 + at]! << 4)
    return made
  })
  return Buffer.concat(blocks)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content])
}

export function onnx(tensors: Named): Buffer {
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

/** `q4_0`: the lengths are whole blocks of 32. */
export function gguf(tensors: Named, type: 'f32' | 'q4_0' = 'f32'): Buffer {
  const data = Object.values(tensors).map(type === 'f32' ? f32 : q4)
  const number = (value: number, bytes: 4 | 8): Buffer => {
    const made = Buffer.alloc(bytes)
    if (bytes === 4) made.writeUInt32LE(value)
    else made.writeBigUInt64LE(BigInt(value))
    return made
  }
  const text = (value: string): Buffer => Buffer.concat([number(value.length, 8), Buffer.from(value)])
  let at = 0
  const kind = type === 'f32' ? 0 : 2
  const infos = Object.entries(tensors).map(([name, values], n) => {
    const info = Buffer.concat([text(name), number(1, 4), number(values.length, 8), number(kind, 4), number(at, 8)])
    at += Math.ceil(data[n]!.length / 32) * 32
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
  const padded = (part: Buffer): Buffer => Buffer.concat([part, Buffer.alloc(-part.length & 31)])
  return Buffer.concat([padded(head), ...data.map(padded)])
}

export async function printOf(bytes: Buffer, name: string, options?: FingerprintOptions): Promise<FilePrint> {
  return fingerprint(sourceOf(bytes), name, options)
}
