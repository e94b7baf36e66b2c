import * as hcloud from '@pulumi/hcloud'
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from '@pulumi/pulumi'
import { labels } from './labels.ts'

interface StorageArgs {
  readonly hostname: string
  /** GB; may only grow. */
  readonly volumeSize: number
  /** Where the server is: a volume is only to be had in its own location. */
  readonly location: Input<string>
  readonly protect: boolean
  /** Of the server that the volume is plugged into once it runs. */
  readonly serverId: Input<string>
}

/** What outlives every server: the volume with the broker's data and the public certificate. */
export class Storage extends ComponentResource {
  readonly volumeId: Output<string>
  /** GB that the volume has. */
  readonly volumeSize: Output<number>
  /** A release waits for it: the volume arrives after the server has booted. */
  readonly attachment: hcloud.VolumeAttachment

  constructor(name: string, args: StorageArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Storage', name, {}, options)
    const volume = new hcloud.Volume(
      'data',
      {
        name: args.hostname,
        size: args.volumeSize,
        location: args.location,
        format: 'ext4',
        deleteProtection: args.protect,
        labels,
      },
      // Another location or format would be another, empty volume.
      { parent: this, protect: args.protect, ignoreChanges: ['location', 'format'] },
    )
    this.attachment = new hcloud.VolumeAttachment(
      'data',
      { volumeId: volume.id.apply(Number), serverId: output(args.serverId).apply(Number), automount: true },
      // A volume is plugged into one server at a time.
      { parent: this, deleteBeforeReplace: true },
    )
    this.volumeId = volume.id
    this.volumeSize = volume.size
    this.registerOutputs({ volumeId: this.volumeId })
  }
}
