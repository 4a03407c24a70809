/** What the broker's rules of access allow, as far as this user may see them. */
import kafkajs, { type AclOperationTypes, type Admin, type DescribeAclResponse } from 'kafkajs'
import { counted } from '../../core/counted.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import { faultType } from './retry.ts'

// Node can't import a CommonJS module's enums by name.
const { AclOperationTypes: operations, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

const everyRule = {
  resourceType: AclResourceTypes.ANY,
  resourcePatternType: ResourcePatternTypes.ANY,
  operation: operations.ANY,
  permissionType: AclPermissionTypes.ANY,
}
const writing: ReadonlySet<AclOperationTypes> = new Set([operations.ALL, operations.WRITE])

export async function diagnoseAcls(admin: Admin, users: readonly string[]): Promise<Diagnosis> {
  try {
    return judgeAcls((await admin.describeAcls(everyRule)).resources, users)
  } catch (error) {
    const type = faultType(error)
    if (type === 'SECURITY_DISABLED') {
      return {
        name: 'acls',
        state: 'warn',
        says: 'The brokers ask nobody who they are: whoever reaches them may write incidents, content and licenses.',
        do: 'Set an authorizer and give each service its user and what it needs: modelwarden topics acls (docs/install.md).',
      }
    }
    if (type?.endsWith('_AUTHORIZATION_FAILED') !== true) throw error
    return {
      name: 'acls',
      state: 'ok',
      says: `The brokers enforce access; this user may not see the rules (${type}).`,
      do: 'To have them looked at, run this as a user with Describe on the cluster; what they should be: modelwarden topics acls.',
    }
  }
}

export function judgeAcls(resources: DescribeAclResponse['resources'], users: readonly string[]): Diagnosis {
  const rules = resources.flatMap(({ acls, resourceType, resourceName }) =>
    acls.map((acl) => ({ ...acl, resourceType, resourceName })),
  )
  const open = rules.filter(
    ({ principal, operation, permissionType, resourceType }) =>
      principal === 'User:*' &&
      permissionType === AclPermissionTypes.ALLOW &&
      resourceType === AclResourceTypes.TOPIC &&
      writing.has(operation),
  )
  if (open.length > 0) {
    const where = [...new Set(open.map(({ resourceName }) => resourceName))].slice(0, 5).join(', ')
    return {
      name: 'acls',
      state: 'warn',
      says: `Everybody may write to: ${where}.`,
      do: 'Remove the rules for User:*; what services need is listed by: modelwarden topics acls.',
    }
  }
  const known = new Set(rules.map(({ principal }) => principal))
  const without = users.filter((user) => !known.has(`User:${user}`))
  if (without.length === 0)
    return { name: 'acls', state: 'ok', says: `${counted(rules.length, 'rule')}; every service's user has some.` }
  return {
    name: 'acls',
    state: 'warn',
    says: `${counted(rules.length, 'rule')}; none is for the user of: ${without.join(', ')}.`,
    do: 'Add what they need, unless your users are named otherwise: modelwarden topics acls.',
  }
}
