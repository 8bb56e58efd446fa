import { quote } from "../../builder/dockerfile/index.ts";
import type { InstructionNode } from "../../builder/dockerfile/node.ts";
import type { ReadInstruction } from "../../builder/dockerfile/parse-instruction.ts";

/** Instructions as BuildKit's parser dumps them, one a line: `(copy ["--link"] "a" "/b")`. */
export function dump(instructions: readonly ReadInstruction[]): string {
  return instructions.map(({ node }) => `(${dumpNode(node)})`).join("\n");
}

/** `FROM@1-1 RUN@2-4`: keyword as written, first and last line. */
export function segments(instructions: readonly ReadInstruction[]): string {
  return instructions.map(({ node, end }) => `${node.keyword.text}@${node.line.startLine}-${end.line}`).join(" ");
}

function dumpNode(node: InstructionNode): string {
  const flags = node.flags.map(({ text }) => quote(text)).join(" ");
  const words = [node.name.toLowerCase(), ...(flags === "" ? [] : [`[${flags}]`]), ...dumpArguments(node)];
  return words.join(" ").trim();
}

function dumpArguments(node: InstructionNode): readonly string[] {
  if (node.trigger !== undefined) return [`(${dumpNode(node.trigger)})`];
  const texts = node.arguments.map(({ text }) => quote(text));
  if (node.name !== "ENV" && node.name !== "LABEL") return isKnown(node) ? texts : ['""'];
  // BuildKit keeps the separator as a third word.
  const separator = node.legacy ? '""' : '"="';
  return texts.flatMap((text, index) => (index % 2 === 0 ? [text] : [text, separator]));
}

const KNOWN =
  /^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)$/;

/** BuildKit gives an unknown instruction one empty argument. */
function isKnown(node: InstructionNode): boolean {
  return KNOWN.test(node.name);
}
