/**
 * Reads content files (sources, rules, playbooks) and configuration: YAML 1.2 of which every mistake has a place.
 *
 * Pure. Promises: never throws; duplicate keys, unknown tags, keys that are no scalars, alias bombs, nesting and files past
 * their limits are mistakes; each mistake carries file, line and column; `place` finds where any value of the result stands.
 */
import {
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml'
import type { z } from 'zod'
import type { ContentFile } from './content.ts'
import type { FilePlace, Mistake } from './errors.ts'
import { nearestVariant } from './form-words.ts'
import { isDeeperThan } from './json.ts'
import { limits } from './limits.ts'
import { readPlainYaml } from './yaml-plain.ts'

/** Documents in one file, divided by `---`. */
const documentsMax = 100
/** Nesting of a content file: far past what any needs, far below what a recursive reader minds. */
const depthMax = 64
/** What aliases may add up to, each counted with all that it brings in. */
const aliasCountMax = 32
/** Mistakes told of one document: who mends the first hundred has mended most. */
const mistakesMax = 100

/** What to do about the parser's complaints, where that is not plain from what it says. */
const remedies: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent by spaces.',
  DUPLICATE_KEY: 'Join the two into one.',
  BAD_INDENT: 'Indent what belongs together by the same number of spaces.',
  MULTILINE_IMPLICIT_KEY: 'A key stands on one line; a value with a colon and a space in it belongs in quotes.',
  UNEXPECTED_TOKEN: 'A value that begins with one of % @ ` & * ! | > { [ # belongs in quotes.',
  BAD_SCALAR_START: 'A value that begins with % @ or ` belongs in quotes.',
  BAD_ALIAS: 'A value that begins with & or * belongs in quotes.',
  MISSING_CHAR: 'Close what was opened: a quote, a bracket, or put a space behind the colon.',
  BAD_DQ_ESCAPE: 'Put the value in single quotes: in double ones a backslash begins an escape.',
  TAG_RESOLVE_FAILED: 'A value that begins with ! belongs in quotes.',
  RESOURCE_EXHAUSTION: 'Nest less deeply.',
}

export type YamlPath = readonly (string | number)[]

export interface ParsedYaml {
  readonly file: string
  readonly document: Document
  /** Plain data; `undefined` where there are mistakes. */
  readonly value: unknown
  readonly mistakes: readonly Mistake[]
  /** Where the value at this path begins; where there is none, its nearest container. */
  place(path: YamlPath): FilePlace
  /** Where the key at the end of this path begins; where there is none, its nearest container. */
  keyPlace(path: YamlPath): FilePlace
  /** The number at this path as the file spells it (`007`, `0x10`); undefined where that is its usual spelling. */
  writtenNumber(path: YamlPath): string | undefined
}

/** Parses a file that holds exactly one document. */
export function parseYaml(file: ContentFile): ParsedYaml {
  const [first, second] = parseYamlDocuments(file)
  if (second === undefined) return first
  const mistake: Mistake = {
    code: 'YAML_DOCUMENTS',
    message: 'The file holds more than one document.',
    place: second.place([]),
    hint: 'Put each into a file of its own.',
  }
  return { ...first, value: undefined, mistakes: [...first.mistakes, mistake] }
}

/** Parses a file of one or more documents, divided by `---`; always at least one result. */
export function parseYamlDocuments(file: ContentFile): readonly [ParsedYaml, ...ParsedYaml[]] {
  const plain = Buffer.byteLength(file.text) > limits.contentFileBytesMax ? undefined : readPlainYaml(file.text)
  return plain === undefined ? parseWhole(file) : [new PlainDocument(file, plain.value, plain.line)]
}

/** A document that was read the plain way: where things stand in it is found out when it is asked. */
class PlainDocument implements ParsedYaml {
  readonly file: string
  readonly value: unknown
  readonly mistakes: readonly Mistake[] = []
  readonly #source: ContentFile
  readonly #start: FilePlace
  #whole: ParsedYaml | undefined

  constructor(source: ContentFile, value: unknown, line: number) {
    this.file = source.path
    this.value = value
    this.#source = source
    this.#start = { file: source.path, line, column: 1 }
  }

  get document(): Document {
    return this.#parsed().document
  }

  place(path: YamlPath): FilePlace {
    return path.length === 0 ? this.#start : this.#parsed().place(path)
  }

  keyPlace(path: YamlPath): FilePlace {
    return path.length === 0 ? this.#start : this.#parsed().keyPlace(path)
  }

  writtenNumber(): undefined {
    // Numbers that are spelled in another way than their own are left to the full parser.
    return undefined
  }

  #parsed(): ParsedYaml {
    return (this.#whole ??= parseWhole(this.#source)[0])
  }
}

function parseWhole(file: ContentFile): readonly [ParsedYaml, ...ParsedYaml[]] {
  const lines = new LineCounter()
  const placeAt = (offset: number): FilePlace => {
    const { line, col } = lines.linePos(Math.max(0, offset))
    return { file: file.path, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const bytes = Buffer.byteLength(file.text)
  if (bytes > limits.contentFileBytesMax) {
    return [refused(file, 'YAML_TOO_LARGE', `The file has ${bytes} bytes; ${limits.contentFileBytesMax} are allowed.`)]
  }
  let documents: readonly Document[]
  try {
    const parsed = parseAllDocuments(file.text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: true,
      strict: true,
      version: '1.2',
    })
    documents = 'empty' in parsed ? [] : parsed
  } catch {
    // The composer is recursive: only hostile nesting gets here.
    return [refused(file, 'YAML_TOO_DEEP', `The file is nested more than ${depthMax} levels deep.`)]
  }
  if (documents.length > documentsMax) {
    return [
      refused(file, 'YAML_DOCUMENTS', `The file holds ${documents.length} documents; ${documentsMax} are allowed.`),
    ]
  }
  const [first, ...rest] = documents.map((document) => readDocument(file, document, placeAt))
  return first === undefined ? [refused(file, 'YAML_EMPTY', 'The file is empty.')] : [first, ...rest]
}

function readDocument(file: ContentFile, document: Document, placeAt: (offset: number) => FilePlace): ParsedYaml {
  const complaints: readonly YAMLError[] = [...document.errors, ...document.warnings]
  // What follows from giving up on the nesting is no mistake of its own.
  const exhausted = complaints.find((error) => error.code === 'RESOURCE_EXHAUSTION')
  const mistakes: Mistake[] = (exhausted === undefined ? complaints : [exhausted])
    .slice(0, mistakesMax)
    .map((error) => ({
      code: error === exhausted ? 'YAML_TOO_DEEP' : `YAML_${error.code}`,
      message: error.message,
      place: placeAt(error.pos[0]),
      ...(Object.hasOwn(remedies, error.code) ? { hint: remedies[error.code]! } : {}),
    }))
  const start = document.contents?.range?.[0] ?? document.range?.[0] ?? 0
  const place = (path: YamlPath): FilePlace => placeAt(offsetOf(document.contents, path, false) ?? start)
  const keyPlace = (path: YamlPath): FilePlace => placeAt(offsetOf(document.contents, path, true) ?? start)
  let value: unknown
  if (mistakes.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: aliasCountMax })
    } catch (error) {
      mistakes.push({
        code: 'YAML_ALIASES',
        message: `Aliases can't be resolved: ${(error as Error).message}.`,
        place: place([]),
        hint: `Write the values out; aliases may bring in at most ${aliasCountMax} values.`,
      })
    }
    if (isDeeperThan(value, depthMax)) {
      value = undefined
      mistakes.push({
        code: 'YAML_TOO_DEEP',
        message: `The file is nested more than ${depthMax} levels deep.`,
        place: place([]),
      })
    }
  }
  return {
    file: file.path,
    document,
    value,
    mistakes,
    place,
    keyPlace,
    writtenNumber: (path) => spelling(document, path),
  }
}

function refused(file: ContentFile, code: string, message: string): ParsedYaml {
  const place: FilePlace = { file: file.path, line: 1, column: 1 }
  const [document] = parseAllDocuments('null') as [Document]
  return {
    file: file.path,
    document,
    value: undefined,
    mistakes: [{ code, message, place }],
    place: () => place,
    keyPlace: () => place,
    writtenNumber: () => undefined,
  }
}

function spelling(document: Document, path: YamlPath): string | undefined {
  const node = document.getIn(path, true)
  if (!isScalar(node) || typeof node.value !== 'number') return undefined
  return node.source === String(node.value) ? undefined : node.source
}

/** The offset of what stands at a path, or of the last container on the way to it. */
function offsetOf(root: Node | null, path: YamlPath, ofKey: boolean): number | undefined {
  let node: unknown = root
  let offset = root?.range?.[0]
  for (const [depth, step] of path.entries()) {
    let key: unknown
    let next: unknown
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      )
      key = pair?.key
      next = pair?.value
    } else if (isCollection(node)) {
      next = node.items[Number(step)]
      key = next
    }
    const found = ofKey && depth === path.length - 1 ? key : (next ?? key)
    const begins = (found as Node | null | undefined)?.range?.[0]
    if (begins === undefined) break
    offset = begins
    node = next
  }
  return offset
}

/** The mistakes that a schema finds in a document, each at its place. An unknown key is named, and stands where it stands. */
export function schemaMistakes(parsed: ParsedYaml, error: z.ZodError, code: string, under: YamlPath = []): Mistake[] {
  const mistakes: Mistake[] = []
  for (const issue of error.issues) addIssue(parsed, issue, code, under, mistakes)
  return mistakes
}

type Issue = z.core.$ZodIssue

function addIssue(parsed: ParsedYaml, issue: Issue, code: string, under: YamlPath, mistakes: Mistake[]): void {
  const path = [...under, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      mistakes.push({ code, message: `Unknown key "${key}"${inside(path)}.`, place: parsed.keyPlace([...path, key]) })
    }
    return
  }
  const key = path.at(-1)
  if (issue.code !== 'custom' && typeof key === 'string' && !stands(parsed.value, path)) {
    const message = `The key "${key}" is missing${inside(path.slice(0, -1))}.`
    mistakes.push({ code, message, place: parsed.place(path) })
    return
  }
  if (issue.code === 'invalid_union') {
    const nearest = nearestVariant(issue.errors)
    if (nearest !== undefined) {
      for (const inner of nearest) addIssue(parsed, inner, code, path, mistakes)
      return
    }
  }
  mistakes.push({ code, message: `${issue.message}${inside(path)}.`, place: parsed.place(path) })
}

function stands(value: unknown, path: YamlPath): boolean {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return false
    at = (at as Record<string | number, unknown>)[step]
  }
  return true
}

function inside(path: YamlPath): string {
  return path.length === 0 ? '' : ` at ${path.join('.')}`
}
