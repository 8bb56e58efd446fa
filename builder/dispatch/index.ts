export { dispatch } from "./dispatch.ts";
export type {
  DispatchOptions,
  LocalContext,
  NamedContext,
  ResolvedImage,
  ResolveImageOptions,
} from "./options.ts";
export type { DispatchResult, DispatchWarning, ImageDraft } from "./result.ts";
