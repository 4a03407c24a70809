/**
 * What the thief can see: the matrix of differences of log-probabilities, a row for each prompt.
 *
 * The logits of all prompts lie in a space with as many dimensions as the model's last hidden layer, so the rank of that
 * matrix stops growing there (Carlini et al. 2024, section 4). Differences to the first answer of the same call stand in
 * for logits: the normalization of a softmax falls out.
 */
const columnsMax = 40
const rowsMax = 40
/** A pivot this much smaller than the largest is rounding: gateways log six digits. */
const tolerance = 1e-4

/** JSON. `columns`: which answer of which set of tokens; a row has a value for each column that was asked. */
export interface LogitMatrix {
  readonly columns: string[]
  readonly rows: Record<string, (number | null)[]>
}

export function emptyMatrix(): LogitMatrix {
  return { columns: [], rows: {} }
}

export function addAnswers(matrix: LogitMatrix, prompt: string, tokens: string, logprobs: readonly number[]): void {
  const { columns, rows } = matrix
  if (!Object.hasOwn(rows, prompt) && Object.keys(rows).length >= rowsMax) return
  for (let slot = 1; slot < logprobs.length; slot++) {
    const name = `${tokens}/${slot}`
    let at = columns.indexOf(name)
    if (at < 0) {
      if (columns.length >= columnsMax) return
      at = columns.push(name) - 1
    }
    const row = (rows[prompt] ??= [])
    while (row.length <= at) row.push(null)
    row[at] = logprobs[slot]! - logprobs[0]!
  }
}

export interface Rank {
  readonly rank: number
  readonly rows: number
  readonly columns: number
  /** More rows and columns than that did not raise it: it is the hidden size, as the caller sees it. */
  readonly settled: boolean
}

/** The numerical rank of the rows that are whole. */
export function rankOf(matrix: LogitMatrix): Rank {
  const width = matrix.columns.length
  const whole = Object.values(matrix.rows)
    .filter((row) => row.length === width && row.every((value) => value !== null))
    .map((row) => [...row] as number[])
  const rank = eliminate(whole, width)
  return { rank, rows: whole.length, columns: width, settled: rank > 0 && whole.length > rank + 1 && width > rank + 1 }
}

/** Gaussian elimination with complete pivoting. */
function eliminate(rows: number[][], width: number): number {
  let largest = 0
  let rank = 0
  for (; rank < Math.min(rows.length, width); rank++) {
    let [pivot, row, column] = [0, rank, rank]
    for (let r = rank; r < rows.length; r++) {
      for (let c = rank; c < width; c++) {
        const size = Math.abs(rows[r]![c]!)
        if (size > pivot) [pivot, row, column] = [size, r, c]
      }
    }
    largest = Math.max(largest, pivot)
    if (pivot <= tolerance * largest) break
    ;[rows[rank], rows[row]] = [rows[row]!, rows[rank]!]
    for (const each of rows) [each[rank], each[column]] = [each[column]!, each[rank]!]
    const top = rows[rank]!
    for (let r = rank + 1; r < rows.length; r++) {
      const factor = rows[r]![rank]! / top[rank]!
      for (let c = rank; c < width; c++) rows[r]![c]! -= factor * top[c]!
    }
  }
  return rank
}
