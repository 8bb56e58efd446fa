import type { Dockerfile, FromInstruction } from "./dockerfile/index.ts";
import { descriptionOf, inspectWord } from "./lint/index.ts";
import type { OutlineArg } from "./outline-capture.ts";

/** ARGs before the first FROM, and which of them their defaults are made of. */
export class GlobalArgs {
  readonly #dockerfile: Dockerfile;
  readonly #values: ReadonlyMap<string, string>;
  readonly #args = new Map<string, OutlineArg>();
  readonly #needs = new Map<string, readonly string[]>();

  /** `values`: as the build has them. */
  constructor(dockerfile: Dockerfile, values: ReadonlyMap<string, string>) {
    this.#dockerfile = dockerfile;
    this.#values = values;
    for (const { args, comments, range } of dockerfile.globalArgs) {
      for (const { key, value } of args) {
        const name = key.text;
        const known = values.get(name);
        this.#needs.set(name, value === undefined ? [] : this.#namesInDefault(name, value.text));
        const arg = { name, description: descriptionOf(comments, name), range };
        this.#args.set(name, known === undefined ? arg : { ...arg, value: known });
      }
    }
  }

  /** The ones that a FROM uses. */
  namesIn({ base, platform }: FromInstruction): readonly string[] {
    const texts = [base.text, ...(platform === undefined ? [] : [platform.text])];
    return texts.flatMap((text) => [...inspectWord(text, this.#values, this.#dockerfile.directives).matched]);
  }

  /** Those of the names that are declared, and all that their defaults need. */
  withNeeded(names: readonly string[]): readonly OutlineArg[] {
    const seen = new Set<string>();
    const waiting = [...names];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      waiting.push(...(this.#needs.get(name) ?? []));
    }
    return [...seen].flatMap((name) => this.#args.get(name) ?? []);
  }

  /** `ARG A=$A-1` needs what the earlier A needed. */
  #namesInDefault(name: string, text: string): readonly string[] {
    const { matched } = inspectWord(text, this.#values, this.#dockerfile.directives);
    const earlier = [...matched].filter((other) => this.#args.has(other));
    return earlier.flatMap((other) => (other === name ? (this.#needs.get(name) ?? []) : [other]));
  }
}
