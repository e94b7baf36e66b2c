import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../cloud.ts'
import { eventually } from '../eventually.ts'
import { run } from '../sandbox.ts'

/** What a refusal calls a thing at Hetzner → where the API has it. */
const places: Readonly<Record<string, string>> = {
  server: '/v1/servers',
  firewall: '/v1/firewalls',
  'SSH key': '/v1/ssh_keys',
}

/**
 * Does what a person reads in the refusals of an `up`: runs the commands that adopt what is there, and deletes in the
 * console what is to be deleted there.
 * @param said its lines, wrapped or joined
 */
export async function followRemedies(said: string): Promise<void> {
  const text = said.replaceAll(/\s*\n\s*/g, ' ')
  const imports = found(text, /echo '(\{[^']*\})' \| (pulumi import .*?) --file \/dev\/stdin/g)
  const deletions = found(text, /has an? ([\w ]+) named \S+ already \(id (\d+)\)[^(]*Delete or rename it/g)
  assert.ok(imports.size + deletions.size > 0, `no remedy is told:\n${said}`)
  for (const [document, command] of imports.values()) await adopt(document, command)
  for (const [kind, id] of deletions.values()) await deleteAtHetzner(kind, id)
}

/** Both groups of every match, each match once however often it is told. */
function found(text: string, pattern: RegExp): ReadonlyMap<string, readonly [string, string]> {
  return new Map([...text.matchAll(pattern)].map(([whole, first = '', second = '']) => [whole, [first, second]]))
}

async function adopt(document: string, command: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-e2e-'))
  try {
    const file = join(directory, 'import.json')
    await writeFile(file, document)
    await run([...command.split(' '), '--file', file])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function deleteAtHetzner(kind: string, id: string): Promise<void> {
  const place = places[kind]
  assert.ok(place, `there is no way told to delete a ${kind}`)
  await ask('hetzner', 'DELETE', `${place}/${id}`)
  await eventually(async () => assert.equal((await ask('hetzner', 'GET', `${place}/${id}`)).status, 404))
}
