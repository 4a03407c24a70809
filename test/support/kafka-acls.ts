/** A broker that lets each user do what it is given, and no more, on the settings of deploy/kafka/server.properties. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } from 'kafkajs'

/** What the shipped settings say of security; listeners and folders are the test's. */
export async function shippedSecurity(): Promise<Record<string, string>> {
  const file = join(import.meta.dirname, '../../deploy/kafka/server.properties')
  const properties = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => /^(authorizer\.|super\.users|allow\.everyone|auto\.create)/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  return Object.fromEntries(properties)
}

const resources = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
} as const
const patterns = { literal: ResourcePatternTypes.LITERAL, prefixed: ResourcePatternTypes.PREFIXED } as const
const operationTypes = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Describe: AclOperationTypes.DESCRIBE,
  Create: AclOperationTypes.CREATE,
  Alter: AclOperationTypes.ALTER,
} as const

/** Who may do what on which names. */
export interface GivenAcl {
  readonly user: string
  readonly resource: keyof typeof resources
  readonly pattern: keyof typeof patterns
  readonly names: readonly string[]
  readonly operations: readonly (keyof typeof operationTypes)[]
}

/** `brokers`: where the broker takes us for one of its own. */
export async function giveAcls(brokers: readonly string[], acls: readonly GivenAcl[]): Promise<void> {
  const admin = new Kafka({ clientId: 'acls', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createAcls({
    acl: acls.flatMap(({ user, resource, pattern, names, operations }) =>
      names.flatMap((resourceName) =>
        operations.map((operation) => ({
          resourceType: resources[resource],
          resourceName,
          resourcePatternType: patterns[pattern],
          principal: `User:${user}`,
          host: '*',
          operation: operationTypes[operation],
          permissionType: AclPermissionTypes.ALLOW,
        })),
      ),
    ),
  })
  await admin.disconnect()
}
