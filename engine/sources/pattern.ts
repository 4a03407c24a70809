/** Patterns of source files. */
import { RE2JS } from 're2js'
import type { YamlPath } from '../../core/yaml.ts'
import type { Complaints } from './complaints.ts'

const patternCharsMax = 500

/** A pattern of the kind that runs in linear time. */
export function compilePattern(node: unknown, path: YamlPath, complaints: Complaints): RE2JS | undefined {
  if (typeof node !== 'string' || node === '' || node.length > patternCharsMax) {
    complaints.at(path, `A pattern is a text of 1 to ${patternCharsMax} characters.`)
    return undefined
  }
  try {
    return RE2JS.compile(node)
  } catch (error) {
    complaints.at(path, `The pattern can't be used: ${(error as Error).message}.`, 'The syntax is RE2’s.')
    return undefined
  }
}
