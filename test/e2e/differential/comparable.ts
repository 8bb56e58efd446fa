import type { ImageConfigBlob } from "../../helpers/peers.ts";

/** What must be equal of two images, in a form that takes away what newer BuildKits write otherwise than Docker 20.10's. */
export interface Comparable {
  readonly author: string;
  readonly platform: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** `created_by` and `comment` of each row. */
  readonly history: readonly string[];
  /** For each row, whether a layer belongs to it. */
  readonly hasLayer: readonly boolean[];
  readonly layers: number;
}

type Row = ImageConfigBlob["history"][number] & { readonly comment?: string };

export function comparable({ author = "", architecture, os, config, history, rootfs }: ImageConfigBlob): Comparable {
  const rows: readonly Row[] = history;
  return {
    author,
    platform: `${os}/${architecture}`,
    config: present(config),
    history: rows.map(({ created_by = "", comment = "" }) => `${historyText(created_by)} (${comment})`),
    hasLayer: rows.map(({ empty_layer }) => empty_layer !== true),
    layers: rootfs.diff_ids.length,
  };
}

/** Of a container that never was, or the daemon's own book-keeping. */
const NOT_OF_IMAGES = /^(?:Hostname|Domainname|Attach.*|Tty|OpenStdin|StdinOnce|Image)$/;

function present(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(config).filter(([name]) => !NOT_OF_IMAGES.test(name));
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== ""));
}

/**
 * Newer BuildKits add --chown and --chmod to COPY and ADD, and the value that came from outside to ARG, and print ports and health checks in
 * another form (dockerfile2llb/convert.go). The config says the same of the last two.
 */
function historyText(createdBy: string): string {
  return createdBy
    .replace(/^(COPY|ADD) (?:--(?:chown|chmod)=\S+ )+/, "$1 ")
    .replace(/^(EXPOSE|HEALTHCHECK) .*/s, "$1")
    .replace(/^ARG .*/, (text) => text.replace(/=\S*/g, ""));
}
