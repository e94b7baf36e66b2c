import { mkdir, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { sandboxFiles } from '../files.ts'
import type { Instance } from '../instance.ts'
import { findExecutable } from './executables.ts'
import type { Engine } from './locate.ts'
import { writeWrapper } from './wrapper.ts'

const sandbox = join(import.meta.dirname, '..')
const checkout = join(sandbox, '..')
const providers = ['hcloud', 'cloudflare', 'tls', 'command'] as const

/** Whatever points the engine or a provider at a real account stays out of the sandbox. */
const foreignVariable = /^(PULUMI|HCLOUD|CLOUDFLARE|CF)_/

async function pinnedVersion(provider: string): Promise<string> {
  const path = join(checkout, 'node_modules', '@pulumi', provider, 'package.json')
  const { version }: { version: string } = JSON.parse(await readFile(path, 'utf8'))
  return version
}

/** The genuine plugin of a provider where the user has installed it in the pinned version; undefined otherwise. */
async function installedPlugin(provider: string, version: string): Promise<string | undefined> {
  const home = process.env.PULUMI_HOME || join(homedir(), '.pulumi')
  const folder = join(home, 'plugins', `resource-${provider}-v${version}`)
  return findExecutable(`pulumi-resource-${provider}`, [folder])
}

/**
 * Fills the engine's home with the plugins that are nowhere else: stand-ins, and the genuine ones of the user's home.
 * One on PATH or beside the engine comes before them.
 */
async function installPlugins(home: string, engine: Engine, path: readonly string[]): Promise<void> {
  const install = async (plugin: string, version: string, name: string, command: readonly string[]) => {
    const folder = join(home, 'plugins', `${plugin}-v${version}`)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeWrapper(folder, name, command)
  }
  const node = [process.execPath, '--disable-warning=ExperimentalWarning']
  const besideEngine = dirname(await realpath(engine.pulumi))
  if (!(await findExecutable('pulumi-language-nodejs', [...path, besideEngine]))) {
    const command = [...node, join(sandbox, 'engine', 'language-host.ts')]
    await install('language-nodejs', engine.version, 'pulumi-language-nodejs', command)
  }
  for (const provider of providers) {
    const name = `pulumi-resource-${provider}`
    if (await findExecutable(name, path)) continue
    const version = await pinnedVersion(provider)
    const genuine = await installedPlugin(provider, version)
    const standIn = [...node, join(sandbox, 'providers', 'main.ts'), provider]
    await install(`resource-${provider}`, version, name, genuine === undefined ? standIn : [genuine])
  }
}

/**
 * The complete environment for the engine of one sandbox: its state, home and plugins are the sandbox's own.
 * @returns variables for a process that inherits no others
 */
export async function pulumiEnvironment({
  instance,
  engine,
}: {
  readonly instance: Instance
  readonly engine: Engine
}): Promise<NodeJS.ProcessEnv> {
  const folder = (name: string) => join(instance.directory, name)
  const [state, home, temporary] = [folder('state'), folder('pulumi'), folder('tmp')]
  const path = (process.env.PATH ?? '').split(delimiter)
  for (const path of [state, home, temporary]) await mkdir(path, { recursive: true, mode: 0o700 })
  await installPlugins(home, engine, path)
  const inherited = Object.entries(process.env).filter(([name]) => !foreignVariable.test(name))
  return {
    ...Object.fromEntries(inherited),
    // The genuine language host takes the Node that it finds: this one.
    PATH: [dirname(engine.pulumi), dirname(process.execPath), ...path].join(delimiter),
    // What a killed engine leaves there, a key perhaps, goes with the run directory.
    TMPDIR: temporary,
    PULUMI_HOME: home,
    // The state is replaced in one step; the file of attributes that would lie beside it is not, and an engine killed at
    // that moment leaves it empty, which no later one reads (gocloud.dev/blob/fileblob, "metadata").
    PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE_FILE: sandboxFiles(instance).passphrase,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
  }
}
