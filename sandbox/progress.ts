import { Listr } from 'listr2'

/** Shows one line of progress below the step that is at work. */
export type Report = (line: string) => void

export interface Timing {
  readonly step: string
  readonly seconds: number
}

/** Visible progress of a command: live on a terminal, as lines elsewhere; and how long each step took. */
export class Progress {
  readonly timings: Timing[] = []

  /**
   * Runs one step.
   * @returns what the work gives back
   * @throws what the work throws
   */
  async step<Result>(title: string, work: (report: Report) => Promise<Result>): Promise<Result> {
    const start = performance.now()
    let failure: unknown
    const list = new Listr<{ result?: Result }>(
      [
        {
          title,
          task: async (context, task) => {
            context.result = await work((line) => {
              task.output = line
            }).catch((error) => {
              failure = error
              // The whole of it is said once, by who called.
              throw new Error('see below')
            })
            const seconds = Math.round((performance.now() - start) / 100) / 10
            this.timings.push({ step: title, seconds })
            task.title = `${title} (${seconds.toFixed(1)} s)`
          },
        },
      ],
      {
        rendererOptions: { collapseErrors: false, showErrorMessage: false },
        fallbackRenderer: 'simple',
        registerSignalListeners: false,
      },
    )
    const { result } = await list.run({}).catch((error) => {
      throw failure ?? error
    })
    return result as Result
  }
}
