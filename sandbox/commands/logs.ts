import { execa } from 'execa'
import { sandboxFiles } from '../files.ts'
import type { Instance } from '../instance.ts'
import { enterServer } from '../server.ts'

/** Each log on the server by the name a person gives it → what journalctl is asked for. */
const journals: Readonly<Record<string, readonly string[]>> = {
  broker: ['--unit', 'skerry-broker.service'],
  nginx: ['--unit', 'nginx.service'],
  acme: ['--unit', 'skerry-acme.service'],
  release: ['--identifier', 'skerry-release'],
  'cloud-init': ['--unit', 'cloud-init*'],
}

/**
 * Shows the last lines of a log.
 * @throws Error that names the logs when there is none of that name
 */
export async function logs(instance: Instance, name: string, follow: boolean): Promise<void> {
  const files = sandboxFiles(instance)
  const onHost: Readonly<Record<string, string>> = { cloud: files.cloudLog, pulumi: files.pulumiLog }
  const journal = journals[name]
  const file = onHost[name]
  if (!journal && !file) {
    throw new Error(
      `There is no log "${name}": choose one of ${[...Object.keys(journals), ...Object.keys(onHost)].join(', ')}`,
    )
  }
  const [program, parameters] = journal
    ? [
        'nsenter',
        [
          ...(await enterServer(instance)),
          'journalctl',
          '--no-pager',
          '--lines=200',
          ...(follow ? ['--follow'] : []),
          ...journal,
        ],
      ]
    : ['tail', ['-n', '200', ...(follow ? ['-F'] : []), String(file)]]
  const result = await execa(String(program), parameters as string[], { stdio: 'inherit', reject: false })
  process.exitCode = result.exitCode ?? 1
}
