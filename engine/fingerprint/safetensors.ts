/**
 * Reads the header of a safetensors file (https://huggingface.co/docs/safetensors): 8 bytes of length, then JSON.
 */
import { z } from 'zod'
import { Cursor, ModelFileError, type ByteSource } from './bytes.ts'
import { tensorsMax, type NumberFormat, type Tensor, type Tensors } from './tensor.ts'

/** The format's own limit. */
const headerBytesMax = 100_000_000

const formats: Readonly<Record<string, NumberFormat>> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  F8_E4M3: 'f8_e4m3',
  F8_E5M2: 'f8_e5m2',
  I8: 'i8',
  U8: 'u8',
}
const sizes: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
}

const Entry = z.looseObject({
  dtype: z.string().max(16),
  shape: z.array(z.int().nonnegative()).max(16),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
})

export async function readSafetensors(source: ByteSource, partial: boolean): Promise<Tensors> {
  const cursor = new Cursor(source, 'safetensors')
  const length = await cursor.u64()
  if (length > headerBytesMax) throw cursor.invalid(`a header of ${length} bytes; at most ${headerBytesMax} are read`)
  const header = parseHeader(await cursor.bytes(length))
  const start = 8 + length
  const names = Object.keys(header).filter((name) => name !== '__metadata__')
  if (names.length > tensorsMax) throw cursor.invalid(`${names.length} tensors; at most ${tensorsMax} are read`)
  const tensors: Tensor[] = []
  for (const name of names) {
    const entry = Entry.safeParse(header[name])
    const shown = JSON.stringify(name.slice(0, 100))
    if (!entry.success) throw cursor.invalid(`no valid entry for the tensor ${shown}`)
    const {
      dtype,
      shape,
      data_offsets: [from, to],
    } = entry.data
    const elements = shape.reduce((product, of) => product * of, 1)
    if (to < from || !Number.isSafeInteger(elements)) {
      throw cursor.invalid(`the tensor ${shown} at bytes ${from} to ${to}, which can't be`)
    }
    const size = sizes[dtype] ?? 1
    if (sizes[dtype] !== undefined && elements * size !== to - from) {
      throw cursor.invalid(`${to - from} bytes for the ${elements} numbers of the tensor ${shown}`)
    }
    if (start + to <= source.size) {
      tensors.push({ name, format: formats[dtype] ?? 'other', elements, offset: start + from, bytes: to - from })
    } else if (!partial) throw cursor.invalid(`the tensor ${shown} at bytes ${from} to ${to}, which are not in it`)
  }
  return { tensors, missing: names.length - tensors.length }
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new ModelFileError('The header of the safetensors file is not JSON.', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ModelFileError('The header of the safetensors file is not an object.')
  }
  return value as Record<string, unknown>
}
