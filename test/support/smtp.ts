/** A real SMTP server on loopback that keeps the mail it accepts. */
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Header fields by lower-case name, unfolded; the last one where a name repeats. */
  readonly headers: Readonly<Record<string, string>>
  /** The message as it came, headers included. */
  readonly raw: string
}

export interface Smtp {
  readonly host: string
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  /** Refuses the next `times` messages after their data with this code: 451 to be tried again, 550 for good. */
  refuse(times: number, code?: 451 | 550): void
  close(): Promise<void>
}

export interface SmtpOptions {
  /** Mail is taken only from this user. */
  readonly auth?: { readonly user: string; readonly pass: string }
  /** A message's acceptance is said so much later. */
  readonly delayMs?: number
  /** A message was accepted, and the sender does not know yet. */
  readonly onMail?: () => void
}

/** Plain text throughout: it never leaves the machine. */
export async function startSmtp({ auth, delayMs = 0, onMail }: SmtpOptions = {}): Promise<Smtp> {
  const mails: ReceivedMail[] = []
  const refusals: number[] = []
  const server = new SMTPServer({
    disabledCommands: auth === undefined ? ['STARTTLS', 'AUTH'] : ['STARTTLS'],
    authOptional: auth === undefined,
    allowInsecureAuth: true,
    closeTimeout: 500,
    onAuth: ({ username, password }, _session, done) => {
      if (username === auth?.user && password === auth?.pass) done(null, { user: username })
      else done(Object.assign(new Error('authentication failed'), { responseCode: 535 }))
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const responseCode = refusals.shift()
        if (responseCode !== undefined) {
          done(Object.assign(new Error('refused'), { responseCode }))
          return
        }
        const { mailFrom, rcptTo } = session.envelope
        const raw = Buffer.concat(chunks).toString('utf8')
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          headers: headersOf(raw),
          raw,
        })
        onMail?.()
        setTimeout(done, delayMs, null)
      })
    },
  })
  // A client that hangs up in the middle is the client's business.
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    host: '127.0.0.1',
    port: (server.server.address() as AddressInfo).port,
    mails,
    refuse: (times, code = 451) => {
      refusals.push(...Array.from({ length: times }, () => code))
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      }),
  }
}

function headersOf(raw: string): Record<string, string> {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ')
  const pairs = head.split('\r\n').map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return Object.fromEntries(pairs)
}
