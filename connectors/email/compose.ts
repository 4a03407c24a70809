/**
 * Builds a mail from a notice: text and HTML side by side, with the headers that tell a repeat and stop auto-replies.
 *
 * Pure. Every text is escaped for HTML and freed of line ends where it becomes a header.
 */
import type { SendMailOptions } from 'nodemailer'
import { sha256Hex } from '../../core/ids.ts'
import type { Notice } from '../../core/notice.ts'
import type { ConnectorContext } from '../../core/ports/connector.ts'
import { footerOf, noticeText, plainLine, plainText, sectionsOf, subjectOf } from '../notice-text.ts'

export interface MailParts {
  readonly headline: string
  readonly notice: Notice
  readonly from: string
  readonly to: readonly string[]
  readonly domain: string
  readonly context: Pick<ConnectorContext, 'idempotencyKey' | 'possiblyRepeated'>
}

/** The same key always gives the same Message-ID. */
export function messageIdOf(idempotencyKey: string, domain: string): string {
  return `<${sha256Hex(idempotencyKey).slice(0, 40)}@${domain.replace(/[^A-Za-z0-9.-]/g, '')}>`
}

export function composeMail({ headline, notice, from, to, domain, context }: MailParts): SendMailOptions {
  const repeated = context.possiblyRepeated
  return {
    from,
    to: [...to],
    subject: subjectOf(headline, notice, repeated),
    messageId: messageIdOf(context.idempotencyKey, domain),
    // One thread for each incident; the reference is to a message that need not exist (RFC 5322, 3.6.4).
    references: messageIdOf(`incident/${notice.incidentId}`, domain),
    text: noticeText(headline, notice, repeated),
    html: htmlOf(headline, notice, repeated),
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'X-Modelwarden-Incident': plainLine(notice.incidentId, 128),
      ...(repeated ? { 'X-Modelwarden-Possibly-Repeated': 'yes' } : {}),
    },
    priority: notice.severity === 'critical' ? 'high' : 'normal',
  }
}

function htmlOf(headline: string, notice: Notice, repeated: boolean): string {
  const sections = sectionsOf(notice).map(
    ({ label, lines }) =>
      `<h3>${escapeHtml(label)}</h3>${lines.map((line) => `<p>${escapeHtml(plainText(line)).replaceAll('\n', '<br>')}</p>`).join('')}`,
  )
  const mark = repeated
    ? '<p><em>You may have got this message before: the first sending was cut off before it was confirmed.</em></p>'
    : ''
  return (
    `<!doctype html><html><head><meta charset="utf-8"></head><body style="font-family:sans-serif;max-width:48em">` +
    `<h2>${escapeHtml(subjectOf(headline, notice, repeated))}</h2>${mark}<p><strong>${escapeHtml(plainLine(notice.title))}</strong></p>` +
    `${sections.join('')}<hr><p><small>${escapeHtml(footerOf(notice))}</small></p></body></html>`
  )
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For text and for attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
