/** Pictures of bright spots, which can be moved, turned and made larger: for tests of what is made of pictures. */

interface Blob {
  readonly down: number
  readonly right: number
  readonly width: number
  readonly bright: number
}

/** In pixels of a picture of eight by eight, and in radians; `grow`: larger by that share. */
export interface Move {
  readonly down?: number
  readonly right?: number
  readonly turn?: number
  readonly grow?: number
}

export function blobsOf(random: () => number): readonly Blob[] {
  return Array.from({ length: 6 }, () => ({
    down: 5 * random() - 2.5,
    right: 5 * random() - 2.5,
    width: 0.7 + 0.5 * random(),
    bright: 0.4 + 0.6 * random(),
  }))
}

/** Rows from the top. */
export function drawn(
  blobs: readonly Blob[],
  side: number,
  { down = 0, right = 0, turn = 0, grow = 0 }: Move = {},
): Float64Array {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  const pixel = (n: number): number => ((n + 0.5) * 8) / side - 4
  return Float64Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [(pixel(Math.floor(i / side)) - down) / (1 + grow), (pixel(i % side) - right) / (1 + grow)]
    return blobs.reduce((sum, blob) => {
      const [dy, dx] = [cos * y - sin * x - blob.down, sin * y + cos * x - blob.right]
      return sum + blob.bright * Math.exp(-(dy * dy + dx * dx) / (2 * blob.width * blob.width))
    }, 0)
  })
}
