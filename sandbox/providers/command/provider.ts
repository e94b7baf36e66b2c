import type { Provider } from '../provider.ts'
import { copyToRemote } from './copy-to-remote.ts'
import { localCommand } from './local-command.ts'
import { remoteCommand } from './remote-command.ts'

export const commandProvider: Provider<undefined> = {
  name: 'command',
  version: '1.2.1',
  configure: () => undefined,
  resources: {
    'command:remote:Command': remoteCommand,
    'command:remote:CopyToRemote': copyToRemote,
    'command:local:Command': localCommand,
  },
}
