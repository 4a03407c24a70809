/** What the documentation speaks of is there: its links lead to files and headings, and each shipped rule is in its table. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const pages = ['*.md', 'docs/**/*.md'].flatMap((pattern) => globSync(pattern, { cwd: root })).sort()

/** A page without its code blocks, in which brackets are no links. */
function proseOf(page: string): string {
  return readFileSync(join(root, page), 'utf8').replace(/^```[^]*?^```/gm, '')
}

/** The anchors of a page's headings, as GitHub makes them; the second of a name has `-1`. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of proseOf(page).matchAll(/^#+ (.*)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    let free = anchor
    for (let n = 1; anchors.has(free); n++) free = `${anchor}-${n}`
    anchors.add(free)
  }
  return anchors
}

/** What is wrong with a link of a page, or nothing. */
function mistakeOf(page: string, link: string): string[] {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : relative(root, join(root, dirname(page), path))
  if (!existsSync(join(root, target))) return [`${link}: no such file`]
  if (anchor === undefined || !target.endsWith('.md')) return []
  return anchorsOf(target).has(anchor) ? [] : [`${link}: no such heading`]
}

describe('the documentation', () => {
  it.each(pages)('%s has links that lead somewhere', (page) => {
    const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !/^[a-z]+:/.test(link)).flatMap((link) => mistakeOf(page, link))).toEqual([])
  })

  it('lists every shipped rule', () => {
    const table = readFileSync(join(root, 'docs/rules.md'), 'utf8')
    const rules = globSync('rules/*/*.yml', { cwd: root }).filter(
      (file) => !file.endsWith('.cases.yml') && !/^rules\/(lists|pipelines)\//.test(file),
    )
    const names = rules.map((file) => file.replace(/^.*\//, '').replace(/\.yml$/, ''))
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !new RegExp(`\`(?:[a-z]+/)?${name}\``).test(table))).toEqual([])
  })

  it('has a page of every detector, and its index names it', () => {
    const index = readFileSync(join(root, 'docs/detectors.md'), 'utf8')
    const detectors = globSync('docs/detectors/*.md', { cwd: root })
    expect(detectors.length).toBeGreaterThan(0)
    expect(detectors.filter((page) => !index.includes(`](${page.replace('docs/', '')})`))).toEqual([])
  })
})
