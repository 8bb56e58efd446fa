import type { ModeChange } from "../../runtime-core/index.ts";

const SET_IDS = 0o6000;
const STICKY = 0o1000;
const OTHER = 0o007;
const STANDARD = 0o6777;
const WHO: Readonly<Record<string, number>> = { a: STANDARD, u: 0o4700, g: 0o2070, o: OTHER };
const PERMISSIONS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };
const SHIFT: Readonly<Record<string, 0 | 3 | 6>> = { u: 6, g: 3, o: 0 };
const COPY = { "=": "copy", "+": "copy-set", "-": "copy-clear" } as const;

type Operator = keyof typeof COPY;

/**
 * The changes that a symbolic mode asks for, in order: `u=rwX,go=rX`, `+x`, `g=u-w`, `u+s,+t`. No umask takes part.
 * undefined when it is none. Reference: chmod(1), as BSD's setmode(3) reads it, which is what BuildKit uses.
 */
export function parseSymbolicMode(text: string): readonly ModeChange[] | undefined {
  const changes: ModeChange[] = [];
  for (const clause of text.split(",")) {
    const match = /^([augo]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause);
    if (match === null) return undefined;
    changes.push(...clauseChanges(match[1] ?? "", match[2] ?? ""));
  }
  return changes;
}

function clauseChanges(classes: string, actions: string): readonly ModeChange[] {
  const who = [...classes].reduce((bits, letter) => bits | (WHO[letter] ?? 0), 0);
  return [...actions.matchAll(/([-+=])([rwxXstugo]*)/g)].flatMap(([, operator, letters]) =>
    new Action(who, operator as Operator).changes(letters ?? ""),
  );
}

/** One operator with its letters. Letters that name a class end what was gathered before them. */
class Action {
  readonly #operator: Operator;
  readonly #changes: ModeChange[] = [];
  /** 0: nobody was named, so everybody is meant. */
  #who: number;
  #bits = 0;
  #isConditional = false;
  #isCleared = false;

  constructor(who: number, operator: Operator) {
    this.#who = who;
    this.#operator = operator;
  }

  changes(letters: string): readonly ModeChange[] {
    for (const letter of letters) this.#read(letter);
    if (this.#bits !== 0 || (this.#operator === "=" && !this.#isCleared)) this.#flushBits();
    this.#flushConditional();
    return this.#changes;
  }

  #read(letter: string): void {
    if (letter in SHIFT) this.#copy(letter);
    else if (letter === "X" && this.#operator !== "-") this.#isConditional = true;
    else if (letter === "X") this.#bits |= 0o111;
    else if (letter === "s" && this.#isMoreThanOther()) this.#bits |= SET_IDS;
    else if (letter === "t" && this.#isMoreThanOther()) this.#addSticky();
    else this.#bits |= PERMISSIONS[letter] ?? 0;
  }

  #isMoreThanOther(): boolean {
    return this.#who === 0 || (this.#who & ~OTHER) !== 0;
  }

  #addSticky(): void {
    this.#who |= STICKY;
    this.#bits |= STICKY;
  }

  #copy(letter: string): void {
    if (this.#bits !== 0) this.#flushBits();
    this.#isCleared = true;
    this.#flushConditional();
    const bits = this.#who === 0 ? 0o777 : this.#who & 0o777;
    this.#changes.push({ op: COPY[this.#operator], shift: SHIFT[letter] ?? 0, bits });
  }

  #flushBits(): void {
    if (this.#operator === "=") this.#changes.push({ op: "clear", bits: this.#who || STANDARD });
    this.#isCleared = true;
    this.#changes.push({ op: this.#operator === "-" ? "clear" : "set", bits: this.#affected(this.#bits) });
    this.#bits = 0;
  }

  /** `=X` alone clears first, as every `=` does. */
  #flushConditional(): void {
    if (!this.#isConditional) return;
    this.#changes.push({ op: "set-if-executable", bits: this.#affected(0o111) });
    this.#isConditional = false;
  }

  #affected(bits: number): number {
    return this.#who === 0 ? bits : this.#who & bits;
  }
}
