/** The components that hold what can be adopted, by the last part of their type, with their names in the stack. */
export const componentNames: Readonly<Record<string, string>> = {
  'skerry:infra:Environment': 'skerry',
  'skerry:infra:Network': 'network',
  'skerry:infra:Dns': 'dns',
  'skerry:infra:Storage': 'storage',
}

/** What puts the state of a resource's stack in order after an `up` that was killed. */
export function recoverCommand(urn: string): string {
  const [, , stack = ''] = urn.split(':')
  return stack === 'sandbox' ? 'npm run sandbox -- recover' : `npm run recover -- --stack ${stack}`
}

interface ImportedResource {
  readonly type: string
  readonly name: string
  readonly component?: true
  readonly parent?: string
  readonly id?: string
}

/**
 * One line for a POSIX shell that takes what exists into the stack, in the place that the program has for it, whether or
 * not anything is there yet. The next `up` brings it to what the program says.
 *
 * @param urn of the resource in the program
 * @param id what the provider imports by
 */
export function importCommand(urn: string, id: string): string {
  // urn:pulumi:STACK::PROJECT::TYPE$TYPE$TYPE::NAME
  const [, , types = '', name = ''] = urn.split('::')
  const path = types.split('$')
  const components = path.slice(0, -1).map((type, depth): ImportedResource => {
    const parent = componentNames[path[depth - 1] ?? '']
    return { type, name: componentNames[type] ?? '', component: true, ...(parent ? { parent } : {}) }
  })
  const resource = { type: path.at(-1) ?? '', name, id, parent: components.at(-1)?.name ?? '' }
  const document = JSON.stringify({ resources: [...components, resource] })
  return `echo '${document}' | pulumi import --yes --protect=false --generate-code=false --file /dev/stdin`
}
