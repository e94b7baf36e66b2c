import { getStack, log, RunError } from '@pulumi/pulumi'
import { buildRelease } from '../release/build.ts'
import { readConfiguration } from './configuration.ts'
import { Environment } from './environment.ts'
import { stackOutputs } from './outputs.ts'
import { Preflight } from './preflight/preflight.ts'
import { checkSettings, type Settings, type StackConfiguration } from './settings.ts'
import { administrator } from './trust.ts'
import { warnings } from './warnings.ts'

/** The program: the stack's settings, checked, then the release, built, then the environment. */
export default async function skerry() {
  const configuration = readConfiguration()
  const settings = checked(configuration)
  for (const warning of warnings(settings)) log.warn(warning)
  const { hostname, acmeDirectory, acmeEmail, plainMqtt, acknowledge, architecture } = settings
  const administrators = [administrator]
  const built = await buildRelease({
    hostname,
    acmeDirectory,
    acmeEmail,
    plainMqtt,
    acknowledge,
    architecture,
    administrators,
  })
  const { transformation } = new Preflight(settings, configuration)
  const environment = new Environment(
    'skerry',
    { settings, stack: getStack(), built },
    { transformations: [transformation] },
  )
  return stackOutputs(environment)
}

function checked(configuration: StackConfiguration): Settings {
  try {
    return checkSettings(configuration)
  } catch (error) {
    // Of a RunError the engine prints the sentences alone, without the stack trace of a fault in the program.
    throw error instanceof Error ? new RunError(error.message) : error
  }
}
