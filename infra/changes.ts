// npm run docs:changes: previews every setting, changed one by one, on a sandbox that stands, and writes docs/changes.md.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { parse, parseDocument } from 'yaml'
import { z } from 'zod'
import { sandboxFiles } from '../sandbox/files.ts'
import { type Instance, sandboxInstance } from '../sandbox/instance.ts'
import { readSummary } from '../sandbox/summary.ts'
import { type Change, changesTable, effect, meanings } from './changes-table.ts'
import type { settingsTable } from './settings-table.ts'

interface Trial {
  readonly to: string
  /** Undefined: the setting is taken out. */
  readonly value: unknown
  readonly meaning: string
}

/** Every setting, each with at least one other value than the sandbox's. */
const trials = ({ zone }: Instance): Readonly<Record<keyof typeof settingsTable, readonly Trial[]>> => ({
  hostname: [
    {
      to: 'another name in the zone',
      value: `other.${zone}`,
      meaning:
        'Everything is renamed in place, the server too. Clients need the new name; a public certificate for it is asked for. The authority stays, and so do the certificates of devices.',
    },
  ],
  cloudflareZoneId: [
    {
      to: 'another zone',
      value: 'f'.repeat(32),
      meaning:
        'Refused unless the token may edit that zone, as here, where there is one zone. Otherwise the records are made anew there.',
    },
  ],
  location: [
    {
      to: '`fsn1`',
      value: 'fsn1',
      meaning: 'An address and a volume cannot move: the location is read once, at the beginning.',
    },
  ],
  serverType: [
    {
      to: '`cx33`, another of its architecture',
      value: 'cx33',
      meaning:
        'The server is switched off, resized and switched on: about a minute away. Its disk keeps its size, so that it can go back.',
    },
    {
      to: '`cax11`, another architecture',
      value: 'cax11',
      meaning: 'Refused: a server keeps its architecture. Together with a new `generation` it is taken.',
    },
  ],
  image: [{ to: '`debian-12`', value: 'debian-12', meaning: 'Takes effect with the next `generation`.' }],
  volumeSize: [
    {
      to: '`20`',
      value: '20',
      meaning: 'It grows, and its file system with it, while everything runs. A smaller number is refused.',
    },
  ],
  sshNetworks: [
    {
      to: 'one network more',
      value: ['10.77.0.0/16'],
      meaning: 'At once; the server knows no source networks and is not touched.',
    },
  ],
  acmeEmail: [
    {
      to: 'another address',
      value: `other@${zone}`,
      meaning: 'A new release; the certificate stays. Nobody is disconnected.',
    },
  ],
  acmeDirectory: [
    {
      to: 'another authority',
      value: `https://acme.${zone}:14000/other`,
      meaning: 'A new release; a certificate of that authority is asked for, and the old one shown until it is there.',
    },
  ],
  caaIssuer: [{ to: 'another issuer', value: `other.${zone}`, meaning: 'The old one may no longer renew.' }],
  plainMqtt: [
    {
      to: '`false`',
      value: 'false',
      meaning: 'Clients on 1883 are cut off for good; the broker restarts, others are back in about a second.',
    },
  ],
  acknowledge: [
    {
      to: '`written`',
      value: 'written',
      meaning:
        'The broker restarts, others are back in about a second. From then on a power cut of the server loses what was acknowledged in the last second.',
    },
  ],
  users: [
    {
      to: 'none',
      value: undefined,
      meaning: 'The broker restarts with the new users; others are back in about a second.',
    },
  ],
  generation: [
    {
      to: '`2`',
      value: '2',
      meaning:
        'A new server with the same addresses, volume, keys and certificates: away for some minutes. Do not skip the preview: the old server is deleted first. The engine counts six as replaced: these two, and the four commands that are done again on the new server.',
    },
  ],
  authorities: [
    {
      to: '`[1, 2]`',
      value: [1, 2],
      meaning: 'A second authority is trusted, and nothing it signed is in use yet: [state.md](state.md#another-root).',
    },
    {
      to: '`[2, 1]`',
      value: [2, 1],
      meaning: 'The new one signs, the old one is still trusted. Only when every device has the new root.',
    },
    {
      to: '`[2]`',
      value: [2],
      meaning:
        'Refused: the first authority would go, and with it every device that knows only it. How to mean it: [state.md](state.md#another-root).',
    },
  ],
  protect: [
    {
      to: '`false`',
      value: 'false',
      meaning: 'Nothing changes until a `pulumi destroy`, which then takes everything.',
    },
  ],
})

const preview = z.object({
  steps: z.array(z.object({ op: z.string(), urn: z.string() })).default([]),
  diagnostics: z.array(z.object({ message: z.string(), severity: z.string() })).default([]),
})

const checkout = fileURLToPath(new URL('..', import.meta.url))

/** The reason for a failed preview in one line, without what the engine puts before it. */
function reason(messages: readonly string[]): string {
  const [first = 'it failed'] = messages.filter((message) => !/preview failed\s*$|with another resource/.test(message))
  const line = first.trim().split('\n')[0] ?? ''
  return line.replace(/^.*?failed: (?:before hook "[^"]*" failed: )?/, '').replace(/^resource "\S*::(\S+)" /, '$1 ')
}

async function tryOut(instance: Instance, setting: string, { to, value, meaning }: Trial): Promise<Change> {
  const { project } = sandboxFiles(instance)
  const document = parseDocument(await readFile(join(project, 'Pulumi.sandbox.yaml'), 'utf8'))
  const path = ['config', `skerry:${setting}`]
  if (value === undefined) document.deleteIn(path)
  else document.setIn(path, value)
  const file = join(project, 'Pulumi.sandbox.changed.yaml')
  await writeFile(file, document.toString(), { mode: 0o600 })
  try {
    const command = ['sandbox/main.ts', 'pulumi', 'preview', '--json', '--config-file', file]
    const { stdout, stderr, exitCode } = await execa(process.execPath, command, {
      cwd: checkout,
      reject: false,
      stdin: 'ignore',
    })
    if (stdout === '') throw new Error(`The preview of ${setting} did not begin: ${stderr}`)
    const { steps, diagnostics } = preview.parse(JSON.parse(stdout))
    const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message)
    return { setting, to, steps, meaning, refusal: exitCode === 0 ? undefined : reason(errors) }
  } finally {
    await rm(file)
  }
}

/** Why a sandbox cannot tell what a setting does: what would be in the way, and what to do; undefined when it can. */
async function hindered(instance: Instance): Promise<string | undefined> {
  if (!(await readSummary(instance))) {
    return `Sandbox ${instance.number} does not stand: run "npm run sandbox" first`
  }
  const settings = parse(await readFile(join(sandboxFiles(instance).project, 'Pulumi.sandbox.yaml'), 'utf8'))
  if (String(settings.config['skerry:protect']) !== 'true') {
    return 'Not like a stack in production: npm run sandbox -- pulumi config set skerry:protect true && npm run sandbox'
  }
  // Else what the checkout changes would be in every row.
  const nothing = await tryOut(instance, 'hostname', { to: 'itself', value: instance.hostname, meaning: '' })
  if (effect(nothing) === 'nothing') return undefined
  return 'The sandbox is not what this checkout says: run "npm run sandbox" first'
}

const instance = sandboxInstance()
const hindrance = await hindered(instance)
if (hindrance !== undefined) {
  console.error(hindrance)
  process.exit(1)
}
const changes: Change[] = []
for (const [setting, values] of Object.entries(trials(instance))) {
  for (const trial of values) {
    const change = await tryOut(instance, setting, trial)
    console.log(`${setting}, ${trial.to}: ${effect(change)} ${change.refusal ?? ''}`)
    changes.push(change)
  }
}
const text = `# What a changed setting does

Made by \`npm run docs:changes\`: on a sandbox that stands, each setting is changed alone and previewed by the engine. What
is not named stays as it is. \`pulumi preview\` says the same for yours, before anything happens.

${changesTable(changes)}

## What it means

${meanings(changes)}

Not in the table: the tokens of Hetzner and Cloudflare, whose change changes nothing, and a new version of this program,
which is a new release: uploaded, applied, and switched back if it is not healthy.
`
await writeFile(join(checkout, 'docs/changes.md'), text)
