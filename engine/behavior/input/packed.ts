/** Numbers as short texts: 32-bit floats, little-endian, base64. */

export function packed(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

export function unpacked(text: string): Float32Array {
  const values = new Float32Array(Buffer.byteLength(text, 'base64') >> 2)
  Buffer.from(values.buffer).write(text, 'base64')
  return values
}
