import { connect, type Socket } from "node:net";
import { FAILURE, type SshAgent } from "./agent.ts";
import { readMessages, withLength } from "./messages.ts";

/** A connection to an agent of the host: one question at a time, as its protocol has no numbers. */
export class AgentConnection {
  readonly #socket: Socket;
  readonly #answers: AsyncGenerator<Buffer>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#socket = connect(path);
    // What is wrong with it ends the reading of answers.
    this.#socket.on("error", () => {});
    this.#answers = readMessages(this.#socket);
  }

  /** FAILURE once the agent is gone. */
  readonly ask: SshAgent = (message) => {
    const answer = this.#last.then(() => this.#ask(message));
    this.#last = answer;
    return answer;
  };

  close(): void {
    this.#socket.destroy();
  }

  async #ask(message: Buffer): Promise<Buffer> {
    try {
      this.#socket.write(withLength(message));
      const { value, done } = await this.#answers.next();
      return done === true ? FAILURE : value;
    } catch {
      return FAILURE;
    }
  }
}
