import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa, type Options } from 'execa'
import { parseDocument } from 'yaml'
import type { Engine as Commands } from '../infra/recover/engine.ts'
import { zoneId } from './cloud/cloudflare/zones.ts'
import { pulumiEnvironment } from './engine/environment.ts'
import type { Engine } from './engine/locate.ts'
import { sandboxFiles } from './files.ts'
import { edgePorts, type Instance } from './instance.ts'
import type { Image } from './machine/base.ts'
import { randomPassword } from './password.ts'
import type { Report } from './progress.ts'
import { broughtIn, imageIn } from './settings.ts'
import { sandboxTokens } from './tokens.ts'

const checkout = join(import.meta.dirname, '..')

/** The stack `sandbox` of one instance, driven by the genuine engine. */
export interface Stack {
  /** Runs one command of the engine with the terminal's own input and output; resolves with its exit code. */
  attach(parameters: readonly string[]): Promise<number>
  /**
   * Runs one command, reports its lines and appends them to the log.
   * @throws Error with the last lines when the command fails
   */
  run(parameters: readonly string[], report: Report, input?: string): Promise<void>
  /** Of the next server; undefined where the sandbox has no such system. */
  readonly image: Image | undefined
  /** Runs one command to its end, whatever that is. */
  readonly ask: Commands
  /** The variables that the engine gets. */
  readonly environment: NodeJS.ProcessEnv
  /** Runs one command and parses what it prints as JSON. */
  json(parameters: readonly string[]): Promise<unknown>
}

/**
 * The stack's settings for this instance: the checkout's Pulumi.sandbox.yaml with the addresses and names of instance 0
 * replaced by its own.
 */
export function stackSettings(text: string, instance: Instance): string {
  const document = parseDocument(text)
  const set = (key: string, value: unknown) => document.setIn(['config', key], value)
  set('hcloud:endpoint', `http://${instance.edge}:${edgePorts.hetzner}/v1`)
  set('cloudflare:baseUrl', `http://${instance.edge}:${edgePorts.cloudflare}/client/v4`)
  set('skerry:cloudflareZoneId', zoneId(instance.zone))
  set('skerry:hostname', instance.hostname)
  set('skerry:sshNetworks', [`${instance.edge}/32`, `${instance.edge6}/128`])
  set('skerry:acmeDirectory', `https://${instance.acmeName}:${edgePorts.acme}/dir`)
  set('skerry:acmeEmail', `operator@${instance.zone}`)
  set('skerry:caaIssuer', instance.acmeName)
  return document.toString()
}

/**
 * A project folder of the instance's own beside the checkout: the program is the checkout's, through links; the stack's
 * settings are this instance's, so that the engine writes nothing into the checkout.
 */
async function prepareProject(instance: Instance): Promise<void> {
  const files = sandboxFiles(instance)
  await mkdir(files.project, { recursive: true, mode: 0o700 })
  // Made anew each time: another checkout may have stood the sandbox.
  for (const name of ['Pulumi.yaml', 'package.json', 'node_modules', 'infra']) {
    const link = join(files.project, name)
    await rm(link, { force: true })
    await symlink(join(checkout, name), link)
  }
  const [stackFile, sourceFile] = [join(files.project, 'Pulumi.sandbox.yaml'), join(files.project, 'source.yaml')]
  const now = stackSettings(await readFile(join(checkout, 'Pulumi.sandbox.yaml'), 'utf8'), instance)
  if (existsSync(sourceFile)) {
    const settings = broughtIn(await readFile(stackFile, 'utf8'), await readFile(sourceFile, 'utf8'), now)
    await writeFile(stackFile, settings)
  } else {
    await writeFile(files.passphrase, randomPassword(), { mode: 0o600 })
    await writeFile(stackFile, now, { mode: 0o600 })
  }
  await writeFile(sourceFile, now)
}

/** Opens the stack; makes its project folder when there is none. */
export async function openStack(instance: Instance, engine: Engine): Promise<Stack> {
  await prepareProject(instance)
  const files = sandboxFiles(instance)
  await mkdir(dirname(files.pulumiLog), { recursive: true })
  const tokens = await sandboxTokens(instance)
  const options = {
    cwd: files.project,
    env: {
      ...(await pulumiEnvironment({ instance, engine })),
      PULUMI_STACK: 'sandbox',
      PULUMI_CONFIG_PASSPHRASE_FILE: files.passphrase,
      HCLOUD_TOKEN: tokens.hetzner,
      CLOUDFLARE_API_TOKEN: tokens.cloudflare,
    },
    extendEnv: false,
    reject: false,
  } satisfies Options
  return {
    image: imageIn(await readFile(join(files.project, 'Pulumi.sandbox.yaml'), 'utf8')),
    environment: options.env,
    ask: async (parameters, input = '') => execa(engine.pulumi, parameters, { ...options, input }),
    async attach(parameters) {
      const result = await execa(engine.pulumi, parameters, { ...options, stdio: 'inherit' })
      return result.exitCode ?? 1
    },
    async run(parameters, report, input = '') {
      const child = execa(engine.pulumi, parameters, { ...options, all: true, input })
      child.all.pipe(createWriteStream(files.pulumiLog, { flags: 'a' }))
      const tail: string[] = []
      for await (const line of child.iterable({ from: 'all' })) {
        if (line.trim() === '') continue
        report(line)
        tail.push(line)
        if (tail.length > 60) tail.shift()
      }
      const result = await child
      if (result.signal !== undefined) {
        throw new Error(
          `pulumi ${parameters[0]} was killed (${result.signal}). Put the state in order: npm run sandbox -- recover`,
        )
      }
      if (result.exitCode !== 0) {
        // Above its diagnostics the engine tells what it did, which was reported already.
        const said = tail.slice(Math.max(0, tail.indexOf('Diagnostics:'))).join('\n')
        throw new Error(`pulumi ${parameters[0]} failed:\n\n${said}\n\nThe whole of it: ${files.pulumiLog}`)
      }
    },
    async json(parameters) {
      const result = await execa(engine.pulumi, parameters, options)
      if (result.exitCode !== 0) throw new Error(`pulumi ${parameters.join(' ')} failed: ${result.stderr}`)
      return JSON.parse(result.stdout)
    },
  }
}
