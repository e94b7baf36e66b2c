import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import ts from 'typescript'
import { cloudflareProvider } from './cloudflare/provider.ts'
import { commandProvider } from './command/provider.ts'
import { hcloudProvider } from './hcloud/provider.ts'
import type { Resource } from './provider.ts'
import { tlsProvider } from './tls/provider.ts'

const packages = join(import.meta.dirname, '../../node_modules/@pulumi')

/** `hcloud:index/server:Server` → `hcloud/server`, `command:remote:Command` → `command/remote/command` */
function moduleOf(token: string): string {
  const [name = '', module = '', type = ''] = token.split(':')
  if (module.startsWith('index/')) return join(name, module.slice('index/'.length))
  return join(name, module, `${type[0]?.toLowerCase()}${type.slice(1)}`)
}

/** The members that the SDK declares for a resource: of its class the outputs, of its `…Args` the inputs. */
async function declared(token: string): Promise<{ inputs: string[]; outputs: string[] }> {
  const type = token.split(':').at(-1) ?? ''
  const path = join(packages, `${moduleOf(token)}.d.ts`)
  const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.Latest)
  const members = (name: string) =>
    source.statements
      .filter((node) => ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node))
      .filter((node) => node.name?.text === name)
      .flatMap((node): ts.Node[] => [...node.members])
      .filter((member) => ts.isPropertyDeclaration(member) || ts.isPropertySignature(member))
      .filter(
        (member) =>
          !ts
            .getModifiers(member as ts.PropertyDeclaration)
            ?.some((modifier) => modifier.kind === ts.SyntaxKind.StaticKeyword),
      )
      .map((member) => member.name.getText(source))
  return { inputs: members(`${type}Args`), outputs: members(type) }
}

type Table = Record<string, Pick<Resource<never>, 'inputs' | 'computed' | 'forceNew' | 'unstable'>>
const providers: readonly { readonly name: string; readonly version: string; readonly resources: Table }[] = [
  hcloudProvider,
  cloudflareProvider,
  tlsProvider,
  commandProvider,
]
/** Outputs that only inputs lead to which the stand-ins refuse. */
const withheld = ['archive', 'assets']

describe('the stand-ins speak as the SDKs do', () => {
  for (const provider of providers) {
    test(`${provider.name} has the pinned version`, async () => {
      const { version } = JSON.parse(await readFile(join(packages, provider.name, 'package.json'), 'utf8'))
      assert.equal(provider.version, version)
    })

    for (const [token, resource] of Object.entries(provider.resources)) {
      test(`${token} has inputs and outputs of the SDK's names, and all outputs`, async () => {
        const { inputs, outputs } = await declared(token)
        assert.ok(inputs.length > 0 && outputs.length > 0, 'the SDK declares something')
        for (const name of resource.inputs) assert.ok(inputs.includes(name), `input ${name}`)
        for (const name of resource.computed) assert.ok(outputs.includes(name), `output ${name}`)
        for (const name of resource.forceNew) assert.ok(resource.inputs.includes(name), `forceNew ${name}`)
        for (const name of resource.unstable ?? []) assert.ok(resource.computed.includes(name), `unstable ${name}`)
        const told = new Set([...resource.inputs, ...resource.computed])
        const untold = outputs.filter((name) => !told.has(name) && !inputs.includes(name) && !withheld.includes(name))
        assert.deepEqual(untold, [], 'every output that is no input is told')
      })
    }
  }
})
