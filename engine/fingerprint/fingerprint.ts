/**
 * The fingerprint of a model file: a digest of the whole, and of each tensor a digest and a sketch.
 *
 * The sketch has a bit for each of up to 512 numbers, taken evenly over the tensor: whether it is above their median. Casting to
 * half precision and light fine-tuning flip few of them; another training flips half (Charikar 2002 for the angle between
 * vectors, of which this is the coordinate-wise form). Memory is bounded, whatever the size of the file.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ModelFileError, type ByteSource } from './bytes.ts'
import { readGguf } from './gguf.ts'
import { readOnnx } from './onnx.ts'
import { readSafetensors } from './safetensors.ts'
import { formatBytesOf, numberAt, type Tensor } from './tensor.ts'

const chunkBytes = 1_048_576
const sketchBits = 512
/** Tensors with fewer numbers say nothing by themselves. */
const telling = 64

export const TensorPrint = z.strictObject({
  name: z.string().max(65_536),
  elements: z.int().nonnegative(),
  sha256: z.string().length(64),
  /** Hexadecimal; absent: too small, constant, or of an unknown number format. */
  sketch: z.string().max(128).optional(),
  /** Of an unknown number format, such as quantized: only the digest says anything. */
  opaque: z.literal(true).optional(),
})
export type TensorPrint = z.infer<typeof TensorPrint>

export const FilePrint = z.strictObject({
  name: z.string().max(4_096),
  bytes: z.int().nonnegative(),
  sha256: z.string().length(64),
  format: z.enum(['safetensors', 'gguf', 'onnx', 'other']),
  tensors: z.array(TensorPrint),
})
export type FilePrint = z.infer<typeof FilePrint>

type Format = FilePrint['format']

/** By its first bytes, else by its name. */
export async function formatOf(source: ByteSource, name: string): Promise<Format> {
  const head = await source.read(0, Math.min(16, source.size))
  if (Buffer.from(head.subarray(0, 4)).toString('latin1') === 'GGUF') return 'gguf'
  if (name.endsWith('.onnx')) return 'onnx'
  if (name.endsWith('.gguf'))
    throw new ModelFileError('The file is named .gguf and does not begin as such a file does.')
  return name.endsWith('.safetensors') || (head.length > 8 && head[8] === 0x7b) ? 'safetensors' : 'other'
}

/** `onBytes` is told how much has been read; each byte is read twice, for the whole and for its tensor. */
export async function fingerprint(
  source: ByteSource,
  name: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<FilePrint> {
  const format = await formatOf(source, name)
  const tensors = format === 'other' ? [] : await readers[format](source)
  const whole = createHash('sha256')
  for (let at = 0; at < source.size; at += chunkBytes) {
    const chunk = await source.read(at, Math.min(chunkBytes, source.size - at))
    whole.update(chunk)
    onBytes(chunk.length)
  }
  const prints: TensorPrint[] = []
  for (const tensor of tensors) prints.push(await printOf(source, tensor, onBytes))
  return { name, bytes: source.size, sha256: whole.digest('hex'), format, tensors: prints }
}

const readers = { safetensors: readSafetensors, gguf: readGguf, onnx: readOnnx } as const

async function printOf(source: ByteSource, tensor: Tensor, onBytes: (bytes: number) => void): Promise<TensorPrint> {
  const { name, elements, format, offset, bytes } = tensor
  const hash = createHash('sha256')
  const size = formatBytesOf[format]
  const bits = Math.min(sketchBits, elements)
  const values: number[] = []
  for (let at = 0; at < bytes; at += chunkBytes) {
    const chunk = await source.read(offset + at, Math.min(chunkBytes, bytes - at))
    hash.update(chunk)
    onBytes(chunk.length)
    if (size === 0) continue
    for (let place; values.length < bits; values.push(numberAt(chunk, place - at, format))) {
      place = Math.floor(((values.length + 0.5) * elements) / bits) * size
      if (place + size > at + chunk.length) break
    }
  }
  const sketch = elements < telling ? undefined : sketchOf(values)
  return {
    name: name.slice(0, 1_000),
    elements,
    sha256: hash.digest('hex'),
    ...(sketch === undefined ? {} : { sketch }),
  }
}

/** Undefined where the numbers hardly differ: every fresh model has such tensors. */
function sketchOf(values: readonly number[]): string | undefined {
  if (values.length === 0 || !values.every(Number.isFinite)) return undefined
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1]!
  const bytes = new Uint8Array(Math.ceil(values.length / 8))
  let ones = 0
  for (const [n, value] of values.entries()) {
    if (value <= middle) continue
    bytes[n >> 3]! |= 1 << (n & 7)
    ones++
  }
  return ones < values.length / 4 ? undefined : Buffer.from(bytes).toString('hex')
}
