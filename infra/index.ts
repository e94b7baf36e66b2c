import { getStack, log, RunError } from '@pulumi/pulumi'
import { buildRelease } from '../release/build.ts'
import { readConfiguration } from './configuration.ts'
import { Environment } from './environment.ts'
import { stackOutputs } from './outputs.ts'
import { checkSettings, type Settings } from './settings.ts'
import { administrator } from './trust.ts'

/** The program: the stack's settings, checked, then the release, built, then the environment. */
export default async function skerry() {
  const settings = checked()
  if (settings.plainMqtt) {
    log.warn(
      `Plain MQTT is open: what is sent to ${settings.hostname}:1883, passwords too, can be read on the way. ` +
        'Switch it off when no device needs it: pulumi config set skerry:plainMqtt false',
    )
  }
  const { hostname, acmeDirectory, acmeEmail, plainMqtt, architecture } = settings
  const administrators = [administrator]
  const built = await buildRelease({ hostname, acmeDirectory, acmeEmail, plainMqtt, architecture, administrators })
  return stackOutputs(new Environment('skerry', { settings, stack: getStack(), built }))
}

function checked(): Settings {
  try {
    return checkSettings(readConfiguration())
  } catch (error) {
    // Of a RunError the engine prints the sentences alone, without the stack trace of a fault in the program.
    throw error instanceof Error ? new RunError(error.message) : error
  }
}
