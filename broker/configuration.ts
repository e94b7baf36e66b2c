import { existsSync } from 'node:fs'
import { type Credentials, readCredentials } from './credentials.ts'
import { readSettings, type Settings } from './settings.ts'

export interface Configuration
  extends Pick<Settings, 'administrators' | 'listeners' | 'stateDirectory' | 'acknowledge'> {
  readonly credentials: Credentials
}

/** Reads settings (environment, then `.env`) and files; throws an error that names every mistake, a line each. */
export async function readConfiguration(): Promise<Configuration> {
  loadEnvironmentFile()
  const { settings, mistakes } = readSettings(process.env, process.pid)
  const { hostname, administrators, credentialsDirectory, stateDirectory, acknowledge, listeners } = settings
  const isProxyNeeded = listeners?.some(({ door }) => door === 'wss') ?? false
  const read = credentialsDirectory
    ? await readCredentials(credentialsDirectory, { hostname, administrators, isProxyNeeded })
    : { mistakes: [] }
  const all = [...mistakes, ...('mistakes' in read ? read.mistakes : [])]
  if (all.length > 0 || !administrators || !listeners || !acknowledge || !('credentials' in read)) {
    throw new Error(`The configuration cannot be used:\n${all.map((mistake) => `- ${mistake}`).join('\n')}`)
  }
  return { administrators, stateDirectory, acknowledge, listeners, credentials: read.credentials }
}

/** Takes what `.env` in the working directory sets into the environment; variables that are set already win. */
export function loadEnvironmentFile(): void {
  if (existsSync('.env')) process.loadEnvFile('.env')
}
