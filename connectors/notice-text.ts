/**
 * How a notice reads: the lines that every medium shows, as plain text.
 *
 * Pure. Promises: no control or direction-changing character of hostile content survives; every line is bounded.
 */
import { z } from 'zod'
import { Notice } from '../core/notice.ts'
import { unseen } from '../core/unseen.ts'

/** What every message action takes. */
export const messageArgs = {
  /** The one line that must be read. */
  headline: z.string().min(1).max(300),
  notice: Notice,
} as const

/** One labeled part of a message. */
export interface Section {
  readonly label: string
  readonly lines: readonly string[]
}

/** Text whose every character is seen as what it is: one paragraph, at most `charsMax` long. */
export function plainLine(text: string, charsMax = 500): string {
  const seen = text
    .replace(/[\t\n\r\u2028\u2029]+/g, ' ')
    .replace(unseen, '')
    .trim()
    .toWellFormed()
  return clip(seen, charsMax)
}

/** The same for longer text, which keeps its line ends. */
export function plainText(text: string, charsMax = 4_000): string {
  return clip(text.replace(/\r\n?/g, '\n').replace(unseen, '').trim().toWellFormed(), charsMax)
}

function clip(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`
}

/** `[HIGH] headline`, marked where it is a dry run or a repeat. */
export function subjectOf(headline: string, notice: Notice, possiblyRepeated: boolean): string {
  const marks = `${possiblyRepeated ? '[possibly repeated] ' : ''}${notice.dryRun ? '[dry run] ' : ''}`
  return plainLine(`${marks}[${notice.severity}] ${headline}`, 240)
}

/** The parts of a notice in the order in which a person wants them. */
export function sectionsOf(notice: Notice): readonly Section[] {
  const sections: Section[] = [
    { label: 'What happened', lines: [plainText(notice.what)] },
    { label: 'To which asset', lines: notice.assets },
    { label: 'By whom', lines: notice.who },
    {
      label: 'Since when',
      lines: [notice.since === notice.until ? notice.since : `${notice.since}, last seen ${notice.until}`],
    },
    { label: 'How sure', lines: [notice.certainty] },
    { label: 'What was lost', lines: notice.lost === undefined ? [] : [notice.lost] },
    { label: notice.dryRun ? 'What was done (dry run: nothing was taken away)' : 'What was done', lines: notice.done },
  ]
  if (notice.approval !== undefined) {
    const { what, role, expiresAt, approve, refuse } = notice.approval
    sections.push({
      label: 'Your decision is needed',
      lines: [
        what,
        `By someone with the role ${role}, until ${expiresAt}.`,
        `To approve: ${approve}`,
        `To refuse: ${refuse}`,
      ],
    })
  }
  sections.push({ label: 'What you should do', lines: notice.next })
  return sections
    .map(({ label, lines }) => ({ label, lines: lines.filter((line) => line.trim() !== '') }))
    .filter(({ lines }) => lines.length > 0)
}

/** Where the reader finds the rest. */
export function footerOf(notice: Notice): string {
  return plainLine(
    `Incident ${notice.incidentId} (version ${notice.incidentVersion}) of ${notice.tenant}; playbook ${notice.playbook.id}, version ${notice.playbook.version}. ` +
      `Details: npx modelwarden incidents show ${notice.incidentId}`,
  )
}

/** The whole notice as plain text. */
export function noticeText(headline: string, notice: Notice, possiblyRepeated: boolean): string {
  const lines = [subjectOf(headline, notice, possiblyRepeated), '', plainLine(notice.title), '']
  if (possiblyRepeated)
    lines.push('You may have got this message before: the first sending was cut off before it was confirmed.', '')
  for (const section of sectionsOf(notice)) {
    lines.push(`${section.label}:`)
    for (const line of section.lines)
      lines.push(
        ...plainText(line)
          .split('\n')
          .map((each) => `  ${each}`),
      )
    lines.push('')
  }
  lines.push(footerOf(notice))
  return `${lines.join('\n')}\n`
}
