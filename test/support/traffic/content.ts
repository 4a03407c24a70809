/** Content of this repository as tests put it in force. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContentFile } from '../../../core/content.ts'

const root = join(import.meta.dirname, '../../..')

/** The files of a folder whose paths in it are wanted, without their cases. */
export function contentOf(folder: string, wanted: RegExp): ContentFile[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => wanted.test(name) && !name.endsWith('.cases.yml'))
    .map((path) => ({ path, text: readFileSync(join(root, folder, path), 'utf8') }))
}
