// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of Dockerfiles
import { CORPUS } from "./corpus.ts";
import { type Below, pick, random } from "./random.ts";

const MARKS =
  "\\ ` \n \r \r\n \t \f \v \u0085 \u00a0 # = \" ' [ ] { } $ ${ ${a ${a:- } , : ; ? * ** ! / // - -- << <<- <<EOF <<'E F' 0 -1 99999999999999999999 1ms é 😀 \ufeff \u0000 \ud800 \u001b[31m";
const WORDS =
  "FROM ARG ENV RUN COPY ADD CMD ENTRYPOINT LABEL USER WORKDIR VOLUME EXPOSE STOPSIGNAL HEALTHCHECK SHELL ONBUILD MAINTAINER AS NONE scratch context build one 0 EOF --from= --chown= --chmod= --link --parents --exclude= --platform= --mount= --mount=type= type=cache target=/x from=one --network= --security= --device= --checksum= --unpack --keep-git-dir --interval= --retries= escape= syntax= check= $TARGETPLATFORM __proto__ constructor";
const PIECES: readonly string[] = [...MARKS.split(" "), ...WORDS.split(" "), " ", "  "];
const MAX_LENGTH = 20_000;

/** Dockerfile number `index` of a seed: one of the corpus, changed in up to eight places. The same for the same numbers. */
export function mutant(seed: number, index: number): string {
  const below = random(Math.imul(seed, 0x9e3779b1) ^ index);
  let text = pick(CORPUS, below);
  for (let edits = 1 + below(1 + below(8)); edits > 0; edits--) text = edit(text, below).slice(0, MAX_LENGTH);
  return text;
}

function edit(text: string, below: Below): string {
  const edits = [insertPiece, insertPiece, removeSpan, repeatSpan, moveLine, splice, replaceWord];
  return (edits[below(edits.length)] ?? insertPiece)(text, below);
}

function insertPiece(text: string, below: Below): string {
  const at = below(text.length + 1);
  return text.slice(0, at) + pick(PIECES, below) + text.slice(at);
}

function removeSpan(text: string, below: Below): string {
  const at = below(text.length + 1);
  return text.slice(0, at) + text.slice(at + below(30));
}

function repeatSpan(text: string, below: Below): string {
  const at = below(text.length + 1);
  const span = text.slice(at, at + below(60));
  return text.slice(0, at) + span.repeat(1 + below(below(10) === 0 ? 200 : 4)) + text.slice(at);
}

function moveLine(text: string, below: Below): string {
  const lines = text.split("\n");
  const [line = ""] = lines.splice(below(lines.length), 1);
  lines.splice(below(lines.length + 1), 0, line);
  return lines.join("\n");
}

/** The head of this one and the tail of another. */
function splice(text: string, below: Below): string {
  const other = pick(CORPUS, below);
  return text.slice(0, below(text.length + 1)) + other.slice(below(other.length + 1));
}

function replaceWord(text: string, below: Below): string {
  const words = text.split(/(\s+)/);
  words[below(words.length)] = pick(PIECES, below);
  return words.join("");
}
