/** Numbers as short texts: 32-bit floats, little-endian, base64. */

export function packed(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

export function unpacked(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  return new Float32Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 2)
}
