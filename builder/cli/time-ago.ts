const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something is ago, in docker's words: `Less than a second ago`, `About an hour ago`, `3 weeks ago`. */
export function timeAgo(ms: number): string {
  return `${humanDuration(Math.max(0, ms))} ago`;
}

/** go-units' HumanDuration. */
function humanDuration(ms: number): string {
  const hours = Math.round(ms / HOUR);
  if (ms < SECOND) return "Less than a second";
  if (ms < 2 * SECOND) return "1 second";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} seconds`;
  if (ms < 2 * MINUTE) return "About a minute";
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (ms < 14 * DAY) return `${Math.floor(hours / 24)} days`;
  if (ms < 60 * DAY) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (ms < 730 * DAY) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
