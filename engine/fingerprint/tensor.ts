/** A tensor of a model file: where its bytes are, and how its numbers are spelled. */
import { viewOf } from './bytes.ts'

/** `other`: quantized or unknown; such tensors have a digest and no sketch. */
export type NumberFormat = 'f64' | 'f32' | 'f16' | 'bf16' | 'i8' | 'u8' | 'other'

export interface Tensor {
  readonly name: string
  readonly format: NumberFormat
  readonly elements: number
  readonly offset: number
  readonly bytes: number
}

/** Tensors of one file. */
export const tensorsMax = 100_000

export const formatBytesOf: Readonly<Record<NumberFormat, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i8: 1,
  u8: 1,
  other: 0,
}

/** One number, little-endian, at a byte offset. */
export function numberAt(bytes: Uint8Array, offset: number, format: NumberFormat): number {
  const view = viewOf(bytes)
  switch (format) {
    case 'f64':
      return view.getFloat64(offset, true)
    case 'f32':
      return view.getFloat32(offset, true)
    case 'f16':
      return halfOf(view.getUint16(offset, true))
    case 'bf16': {
      const wide = new DataView(new ArrayBuffer(4))
      wide.setUint32(0, view.getUint16(offset, true) * 65_536)
      return wide.getFloat32(0)
    }
    case 'i8':
      return view.getInt8(offset)
    case 'u8':
      return view.getUint8(offset)
    case 'other':
      return NaN
  }
}

/** IEEE 754 binary16. */
function halfOf(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15)
}
