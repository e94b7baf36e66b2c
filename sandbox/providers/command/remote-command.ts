import type { Context, Resource } from '../provider.ts'
import { type Properties, text } from '../values.ts'
import { checkConnection, parseConnection } from './connection.ts'
import {
  checkLogging,
  commandInputs,
  commandOutputs,
  derivedOutputs,
  environmentOf,
  lineLogger,
  uniqueId,
} from './output.ts'
import { withSession } from './session.ts'

async function run(
  command: string | undefined,
  inputs: Properties,
  previous: Properties,
  context: Context<undefined>,
): Promise<Properties> {
  if (command === undefined) return { ...inputs, stdout: previous.stdout ?? '', stderr: previous.stderr ?? '' }
  const connection = parseConnection(inputs.connection)
  const result = await withSession(connection, context.signal, (session) =>
    session.run(command, environmentOf(inputs, previous), {
      stdin: text(inputs, 'stdin'),
      signal: context.signal,
      onLine: lineLogger(inputs, context),
    }),
  )
  return { ...inputs, ...commandOutputs(result, `on ${connection.host}`) }
}

export const remoteCommand: Resource<undefined> = {
  inputs: ['connection', ...commandInputs],
  forceNew: ['triggers'],
  computed: ['stdout', 'stderr'],
  unstable: ['stdout', 'stderr'],
  secretOutputs: ['connection'],
  derived: derivedOutputs,
  defaults: { addPreviousOutputInEnv: true },
  check: (inputs) => [...checkConnection(inputs), ...checkLogging(inputs)],

  async create({ __defaults, ...inputs }, context) {
    return { id: uniqueId(context.name), outputs: await run(text(inputs, 'create'), inputs, {}, context) }
  },

  update({ after: { __defaults, ...after }, outputs }, context) {
    return run(text(after, 'update') ?? text(after, 'create'), after, outputs, context)
  },

  async delete(_id, outputs, context) {
    const command = text(outputs, 'delete')
    if (command !== undefined) await run(command, outputs, outputs, context)
  },
}
