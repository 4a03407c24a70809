/**
 * Finds a text that every match of a regular expression must contain, so that the expression runs only where it may match.
 *
 * Pure and conservative: it understands the plain parts of an expression, and gives up on the rest; what it returns is
 * ASCII, folded, and really required. The longest such text is returned, or undefined.
 */
import { fold } from './pattern.ts'

const meta = new Set('^$.|?*+()[]{}\\')

/** Whether what follows an atom lets it be absent, or repeats it. */
function quantifierAt(source: string, at: number): { readonly end: number; readonly least: number } | undefined {
  const char = source.charAt(at)
  let end = at
  let least = 1
  if (char === '*' || char === '?') least = 0
  else if (char === '{') {
    const count = /^\{(\d+)(,\d*)?\}/.exec(source.slice(at, at + 20))
    if (count === null) return undefined
    least = Number(count[1])
    end = at + count[0].length - 1
  } else if (char !== '+') return undefined
  if (source.charAt(end + 1) === '?') end++
  return { end: end + 1, least }
}

/** Where a bracket expression or a group that begins at `at` ends (past it); undefined where it can't be told. */
function skipClass(source: string, at: number): number | undefined {
  let index = at + 1
  if (source.charAt(index) === '^') index++
  if (source.charAt(index) === ']') index++
  for (; index < source.length; index++) {
    const char = source.charAt(index)
    if (char === '\\') index++
    else if (char === '[') return undefined
    else if (char === ']') return index + 1
  }
  return undefined
}

function skipGroup(source: string, at: number): number | undefined {
  let depth = 0
  for (let index = at; index < source.length;) {
    const char = source.charAt(index)
    if (char === '\\') {
      index += 2
      continue
    }
    if (char === '[') {
      const end = skipClass(source, index)
      if (end === undefined) return undefined
      index = end
      continue
    }
    if (char === '(') depth++
    if (char === ')' && --depth === 0) return index + 1
    index++
  }
  return undefined
}

/** One atom outside of any group: a literal character, or something else that ends a run of them. */
interface Atom {
  readonly end: number
  readonly literal: string | undefined
}

function atomAt(source: string, at: number): Atom | undefined {
  const char = source.charAt(at)
  if (char === '[') {
    const end = skipClass(source, at)
    return end === undefined ? undefined : { end, literal: undefined }
  }
  if (char === '(') {
    // A bare `(?i)` is no atom: a quantifier after it would be that of what stands before. At the start nothing does.
    const understood = at === 0 ? /^\(\?(?::|i\)|P?<[a-zA-Z])/ : /^\(\?(?::|P?<[a-zA-Z])/
    if (source.charAt(at + 1) === '?' && !understood.test(source.slice(at, at + 6))) return undefined
    const end = skipGroup(source, at)
    return end === undefined ? undefined : { end, literal: undefined }
  }
  if (char === '\\') {
    const next = source.charAt(at + 1)
    if (next === '') return undefined
    if (!/[a-zA-Z0-9]/.test(next)) return { end: at + 2, literal: next }
    // Classes and boundaries of one letter; anything longer (\x41, \p{L}, \Q…\E) is given up on.
    return /[dDsSwWbBAzntrfv]/.test(next) ? { end: at + 2, literal: undefined } : undefined
  }
  if (meta.has(char))
    return char === '^' || char === '$' || char === '.' ? { end: at + 1, literal: undefined } : undefined
  return { end: at + 1, literal: char }
}

export function requiredLiteral(source: string): string | undefined {
  let best = ''
  let run = ''
  const close = (): void => {
    if (run.length > best.length) best = run
    run = ''
  }
  for (let at = 0; at < source.length;) {
    const atom = atomAt(source, at)
    // An alternation at the top, or something not understood: nothing can be said.
    if (atom === undefined) return undefined
    const quantifier = quantifierAt(source, atom.end)
    const { literal } = atom
    if (literal === undefined || literal > '\u007f' || (quantifier !== undefined && quantifier.least === 0)) close()
    else {
      run += literal
      // Once repeated, the next literal need not follow directly.
      if (quantifier !== undefined) close()
    }
    at = quantifier?.end ?? atom.end
  }
  close()
  return best === '' ? undefined : fold(best)
}
