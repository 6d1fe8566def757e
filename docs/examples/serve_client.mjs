// Ask `suppress serve` before you send. Needs Node 18 or later, and no package.
//
//   SERVICE=http://127.0.0.1:8090 node serve_client.mjs +14155552671 +14155552672

import process from "node:process";
import { fileURLToPath } from "node:url";

const SERVICE = process.env.SERVICE ?? "http://127.0.0.1:8090";
const TOKEN = process.env.SUPPRESS_SERVE_TOKEN;
const SECONDS = Number(process.env.SERVICE_TIMEOUT ?? 60); // for the whole answer

/** Says why there is no answer. Whatever it is: send nothing. */
export class ServiceError extends Error {
  status = null; // null if there was no answer at all
  retryable = true;
  retryAfter = null; // seconds
}

async function ask(path, content) {
  const headers = { "Content-Type": "application/json" };
  const method = content === undefined ? "GET" : "POST";
  if (TOKEN) headers.Authorization = `Bearer ${TOKEN}`;
  const signal = AbortSignal.timeout(SECONDS * 1000);
  const request = { method, headers, body: JSON.stringify(content), signal };
  let answer, body, cause;
  try {
    answer = await fetch(SERVICE + path, request);
    body = await answer.json();
  } catch (error) {
    cause = error;
  }
  if (answer?.status === 200 && body) return body;
  const status = answer?.status ?? null;
  const none = answer ? "The service gave no whole answer." : "The service does not answer.";
  throw Object.assign(new ServiceError(body?.detail ?? body?.reason ?? none, { cause }), {
    status,
    retryable: body?.retryable ?? (status === null || status === 200 || status >= 500),
    retryAfter: Number(answer?.headers.get("Retry-After")) || null,
  });
}

/** Say whether one number may be messaged: its outcome, e164 and reason. Send only if "allowed". */
export async function check(number, channel, defaultRegion = null) {
  return ask("/check", { number, channel, default_region: defaultRegion });
}

/** Return the outcome, e164 and reason for each of many numbers, in order. */
export async function screen(numbers, channel, defaultRegion = null) {
  const query = new URLSearchParams({ channel });
  if (defaultRegion) query.set("default_region", defaultRegion);
  const { recipients } = await ask(`/screen?${query}`, numbers);
  return recipients;
}

/** Return those of many objects that may be messaged: the same objects. */
export async function filter(recipients, channel, key, defaultRegion = null) {
  const found = await screen(recipients.map((each) => each[key] ?? null), channel, defaultRegion);
  return recipients.filter((_, place) => found[place].outcome === "allowed");
}

/** Opt people out; return how many are new on each channel. Details are reason, by, via and such. */
export async function optOut(numbers, channels, details = {}) {
  return (await ask("/opt-outs", { ...details, numbers, channels })).new;
}

/** Take opt-outs back; return for each number the sources that go on listing it. */
export async function optIn(numbers, channel, details = {}) {
  return (await ask("/opt-ins", { ...details, numbers, channel })).still_listed_by;
}

/** Return the state of each channel's list; an error says why one of them may not serve. */
export async function health() {
  return (await ask("/health")).channels;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const numbers = process.argv.slice(2);
  for (const number of numbers) {
    const { outcome, e164, reason } = await check(number, "sms");
    console.log(outcome === "allowed" ? `to ${e164}` : `not to ${number}: ${outcome}, ${reason}`);
  }
  const people = numbers.map((phone, place) => ({ id: place + 1, phone }));
  console.log(JSON.stringify(await filter(people, "sms", "phone")));
}
