import { readFileSync } from 'node:fs'
import { remote } from '@pulumi/command'
import { asset, ComponentResource, type ComponentResourceOptions, type Input, output, secret } from '@pulumi/pulumi'
import type { BuiltRelease } from '../release/build.ts'
import type { ReleaseSecrets } from '../release/secrets.ts'
import type { Connection } from './server.ts'
import type { Storage } from './storage.ts'
import type { Trust } from './trust.ts'

interface ReleaseArgs {
  readonly built: BuiltRelease
  /** A new server has nothing on it yet: everything is done again for another id. */
  readonly serverId: Input<string>
  readonly connection: Connection
  readonly storage: Storage
  readonly trust: Trust
  /** User name → scrypt hash. */
  readonly passwords: Readonly<Record<string, string>>
}

/** A new server takes a minute to answer: 30 attempts last two and a half minutes where it refuses, five where it is mute. */
const patience = { dialErrorLimit: 30, perDialTimeout: 5 }

/** The broker and all it runs with: uploaded by hash, applied by the launcher on the server. */
export class Release extends ComponentResource {
  constructor(name: string, args: ReleaseArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Release', name, {}, options)
    const { connection, built } = args
    const triggers = [args.serverId]
    const ready = new remote.Command(
      'cloud-init',
      {
        connection: { ...connection, ...patience },
        create: readFileSync(new URL('wait-for-cloud-init.sh', import.meta.url), 'utf8'),
        triggers,
        logging: 'stderr',
      },
      { parent: this },
    )
    const upload = (kind: 'runtime' | 'release') =>
      new remote.CopyToRemote(
        kind,
        {
          connection,
          source: new asset.FileAsset(built[kind].path),
          remotePath: `/var/lib/skerry-incoming/${kind}-${built[kind].hash}.tar.gz`,
          triggers,
        },
        { parent: this, dependsOn: [ready] },
      )
    const uploads = [upload('runtime'), upload('release')]
    new remote.Command(
      'apply',
      {
        connection,
        create: `sudo /usr/local/sbin/skerry-release apply ${built.release.hash} ${built.runtime.hash}`,
        stdin: secretsDocument(args),
        // Otherwise the provider puts the output of the last run into the environment of the next one.
        addPreviousOutputInEnv: false,
        // The file system grows with the volume when a release is applied.
        triggers: [...triggers, args.storage.volumeSize],
        // What runs there has read the secrets: its output stays out of the log. A failure shows its reason all the same.
        logging: 'none',
      },
      { parent: this, dependsOn: [...uploads, args.storage.attachment], additionalSecretOutputs: ['stdout', 'stderr'] },
    )
    this.registerOutputs({ release: built.release.hash, runtime: built.runtime.hash })
  }
}

function secretsDocument({ trust, passwords, storage }: ReleaseArgs) {
  const { authorities, broker, proxy, health } = trust
  return secret(
    output({ authorities, broker, proxy, health, passwords, volume: storage.volumeId }).apply(
      (secrets: ReleaseSecrets) => JSON.stringify(secrets),
    ),
  )
}
