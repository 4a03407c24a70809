/**
 * Licensing as a connector: suspends, revokes and reinstates credentials, and proves it at the gateways' endpoint.
 *
 * The deed itself is the journaled intent: the service licensing obeys actions of this connector in state `attempted` the
 * moment they stand on `warden.effects`. So `do` has nothing to add, `verify` tries the credential at every copy of
 * authorize, and what an undo needs to know is looked at before the intent is written.
 */
import { z } from 'zod'
import { limits } from '../../core/limits.ts'
import {
  ConnectorRefusedError,
  type Connector,
  type ConnectorAction,
  type ConnectorContext,
  type Verification,
} from '../../core/ports/connector.ts'
import { plainLine } from '../notice-text.ts'
import { AuthorizeClient, type CredentialCheck } from './authorize-client.ts'

export interface LicensingOptions {
  /** Base addresses of every copy of authorize; all must refuse a credential before that is believed. */
  readonly authorizeUrls: readonly string[]
  readonly token: string | undefined
  readonly timeoutMs: number
  /** How long a change may take to reach every copy. */
  readonly verifyMsMax: number
}

const id = z.string().min(1).max(limits.entityIdCharsMax)
const common = {
  reason: z.string().min(1).max(500),
  /** Only where the credential still stands as this action left it. */
  ifActionId: z.string().max(128).optional(),
}
const Args = z.union([z.strictObject({ credentialId: id, ...common }), z.strictObject({ principal: id, ...common })])
type Args = z.infer<typeof Args>

interface Deed {
  readonly name: string
  readonly verb: string
  readonly destructive: boolean
  /** Whether this answer shows that the deed has arrived. */
  readonly arrived: (check: CredentialCheck, args: Args) => boolean
  /** The deed that takes it back; a revocation is final. */
  readonly takenBackBy?: string
}

const deeds = {
  suspend: {
    name: 'credential.suspend',
    verb: 'Suspend',
    destructive: true,
    arrived: ({ decision }) => decision === 'deny',
    takenBackBy: 'credential.reinstate',
  },
  revoke: {
    name: 'credential.revoke',
    verb: 'Revoke',
    destructive: true,
    arrived: ({ decision, state }) => decision === 'deny' && (state === 'revoked' || state === 'unknown'),
  },
  reinstate: {
    name: 'credential.reinstate',
    verb: 'Reinstate',
    destructive: false,
    // Another suspension may still be in force: then this one is gone, and the credential stays refused.
    arrived: ({ state, actionId }, { ifActionId }) =>
      state === 'active' || (state === 'suspended' && ifActionId !== undefined && actionId !== ifActionId),
  },
} as const satisfies Record<string, Deed>

export function createLicensingConnector(options: LicensingOptions): Connector {
  const client = new AuthorizeClient(options)
  const actions = Object.values<Deed>(deeds).map((deed) => [deed.name, actionOf(deed, client, options)] as const)
  return {
    name: 'licensing',
    // Its calls are short questions on loopback or in the same network, and many keys may have to go at once.
    concurrency: 32,
    actions: Object.fromEntries(actions),
    probe: () => client.probe(),
  }
}

function actionOf(deed: Deed, client: AuthorizeClient, options: LicensingOptions): ConnectorAction<Args> {
  return {
    args: Args,
    destructive: deed.destructive,
    once: 'readable',
    timeoutMs: options.timeoutMs,
    verifyMsMax: options.verifyMsMax,
    describe: (args) => `${deed.verb} ${subjectOf(args)}: ${plainLine(args.reason, 200)}`,
    target: (args) => ('credentialId' in args ? `credential:${args.credentialId}` : `principal:${args.principal}`),
    do: async (args) => ({ summary: `${deed.verb} ${subjectOf(args)}: given to licensing.` }),
    verify: (args, context) => verify(deed, client, args, context),
    check: (args, context) => checkUnchanged(client, args, context),
    ...(deed.takenBackBy === undefined ? {} : { undoAs: takeBackBy(deed.takenBackBy) }),
  }
}

/** Only where the credential still stands as the undone action left it. */
function takeBackBy(action: string) {
  return (args: Args, { actionId }: { readonly actionId: string }) => ({
    action,
    args: { ...args, reason: 'Taken back by a person.', ifActionId: actionId },
  })
}

function subjectOf(args: Args): string {
  return 'credentialId' in args
    ? `credential ${plainLine(args.credentialId, 100)}`
    : `the credentials of ${plainLine(args.principal, 100)}`
}

/** One look at every copy. */
async function verify(
  deed: Deed,
  client: AuthorizeClient,
  args: Args,
  context: ConnectorContext,
): Promise<Verification> {
  if (client.copies === 0)
    return { state: 'unknown', summary: 'No authorize endpoint is configured to try it at (respond.authorizeUrls).' }
  const answers = await client.checkAll(args, context.signal)
  const checks = answers.flat()
  const behind = checks.find((check) => !deed.arrived(check, args))
  const where = client.copies === 1 ? 'the authorize endpoint' : `all ${client.copies} authorize endpoints`
  if (behind !== undefined)
    return {
      state: 'not-done',
      summary: `${plainLine(behind.credentialId, 100)} is ${behind.state} at an authorize endpoint.`,
    }
  if (checks.length === 0)
    return {
      state: 'unknown',
      summary: `${where} knows none of ${subjectOf(args)}, so nothing was switched off here. Do it where the account is managed.`,
    }
  return {
    state: 'done',
    summary: deed.destructive ? `Refused at ${where}.` : `Not refused on this account any more at ${where}.`,
    details: { copies: client.copies, credentials: checks.length / client.copies },
  }
}

/** An undo is refused where the credential no longer stands as the undone action left it. */
async function checkUnchanged(client: AuthorizeClient, args: Args, context: ConnectorContext): Promise<void> {
  if (args.ifActionId === undefined) return
  if (client.copies === 0)
    throw new ConnectorRefusedError(
      'Without an authorize endpoint (respond.authorizeUrls) it cannot be told whether somebody else has changed it since.',
    )
  const checks = (await client.checkAll(args, context.signal)).flat()
  // A credential that the principal got later was never touched, and is none of this undo's business.
  const isNew = ({ actionId, state }: CredentialCheck): boolean =>
    'principal' in args && actionId === undefined && state === 'active'
  const changed = checks.find((check) => check.actionId !== args.ifActionId && !isNew(check))
  if (changed !== undefined) {
    throw new ConnectorRefusedError(
      `${plainLine(changed.credentialId, 100)} is ${changed.state} and was changed by somebody else since.`,
    )
  }
}
